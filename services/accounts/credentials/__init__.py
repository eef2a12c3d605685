"""Accounts that the agency opens for a person: the two halves of a credential, and the first sign-in."""
