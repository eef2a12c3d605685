"""What other services tell, and what follows from it here."""
