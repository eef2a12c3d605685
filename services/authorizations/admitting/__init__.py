"""Somebody becomes a contact of an organization: described by others, by a claim, by an invitation."""
