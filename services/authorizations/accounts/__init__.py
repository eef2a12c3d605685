"""What this service knows of accounts: their person, their status, the sessions that ended."""
