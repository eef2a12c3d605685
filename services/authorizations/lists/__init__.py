"""The three lists of "Relations et autorisations": contacts, relations, authorizations."""
