"""The table of mails: each is accepted, falls due, is leased to a sender, ends, and is asked about."""
