"""Batches that ask linking for new linking codes."""
