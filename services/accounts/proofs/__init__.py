"""The password entered again for an act at another service, which takes a signed proof of it."""
