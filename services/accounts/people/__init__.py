"""Accounts and the persons they belong to."""
