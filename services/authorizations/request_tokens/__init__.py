"""Tokens in mails, each standing for one side of a request: 256 random bits, of which a digest rests."""
