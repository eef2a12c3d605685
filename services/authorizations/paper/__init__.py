"""Mandates that came on paper: an agent enters what both signed by hand, and each confirms the address by a mail."""
