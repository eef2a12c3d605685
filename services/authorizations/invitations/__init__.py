"""Inviting somebody by e-mail: no approval is needed, once the same address is verified."""
