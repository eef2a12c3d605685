"""Mandates: a professional lets one person use one service in their name; both sign, and agents approve."""
