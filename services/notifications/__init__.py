"""Sends the platform's mails, each once, in time, and tells what became of it."""
