"""Signatures: the exact text, by whom, when, from where, how verified; sealed per person, and changed in sight."""
