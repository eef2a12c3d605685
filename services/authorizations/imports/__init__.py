"""Bringing in what an agency already holds."""
