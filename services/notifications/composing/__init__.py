"""What a mail says and how it looks: from its kind, its fields and its seal to the bytes that SMTP carries."""
