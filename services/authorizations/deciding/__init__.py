"""What is done with a request, whatever it asks for: shown, held, decided, returned, withdrawn, lapsed."""
