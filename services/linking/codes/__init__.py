"""Linking codes: how one is made, who is owed one, and how one ends."""
