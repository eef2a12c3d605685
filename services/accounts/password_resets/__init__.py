"""A new password for somebody who reads the mail of the account's address."""
