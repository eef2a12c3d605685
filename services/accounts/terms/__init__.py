"""The terms of use: for whom accounts are, the version in force and older ones, who accepted which."""
