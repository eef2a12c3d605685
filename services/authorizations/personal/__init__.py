"""Names and addresses, in the one table that is written over, so that a person can be erased."""
