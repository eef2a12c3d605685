"""Whom an organization keeps out: while a block stands, nothing that the person holds for it is in force."""
