"""Withdrawing what a contact holds: what a preview shows, the removal, and who is told that a member left."""
