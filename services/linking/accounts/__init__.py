"""Accounts: who calls, and the sessions that ended."""
