"""An address proved to be read by whoever asks, with an account or without, for an act at another service."""
