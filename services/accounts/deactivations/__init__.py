"""Closing an account, by its person or by an agent, and opening it again, by an agent."""
