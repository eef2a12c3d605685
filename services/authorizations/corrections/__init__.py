"""Correcting a contact's file: personal fields, the end dates of relations, and new linking coordinates with it."""
