"""What is done with a request, whatever it asks for: shown, claimed, decided, returned, withdrawn, lapsed."""
