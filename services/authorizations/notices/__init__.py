"""Ends that come near, and lists that are to be confirmed: who is told, once a day, and what they confirm."""
