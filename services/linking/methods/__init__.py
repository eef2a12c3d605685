"""The ways in which the agency lets an account be linked."""
