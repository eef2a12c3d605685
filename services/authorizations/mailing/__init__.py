"""Telling somebody by mail: the one way to do it, how often a mailbox is written to, and what that held back."""

from services.authorizations.mailing.telling import NEWS_KEEPS, WARNING_KEEPS, To, tell, to, to_file

__all__ = ["NEWS_KEEPS", "WARNING_KEEPS", "To", "tell", "to", "to_file"]
