"""Linking codes: how one is made, who is owed one, and redeeming one."""
