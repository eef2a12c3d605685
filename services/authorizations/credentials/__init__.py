"""Credentials that contacts are to have: asked of accounts, and looked at where half of one came back."""
