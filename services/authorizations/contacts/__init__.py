"""Contacts: the agency’s files about persons within organizations."""
