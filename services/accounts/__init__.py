"""People's accounts: registering, signing in, sessions, and the tokens that every service verifies."""
