"""Accounts that nobody ever linked to a file: told in time, then deactivated."""
