"""Accounts, as far as this service needs them: who calls."""
