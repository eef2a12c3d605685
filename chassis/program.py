"""What a person typed to start this process, for the usage that it prints."""

import os

STARTED_AS = "MANDAT_STARTED_AS"
"""The environment variable in which a launcher says what was typed, where that was not the module's name."""


def program(service: str, *command: str) -> str:
    """How a service's command is started, as its usage names it."""
    return " ".join([os.environ.get(STARTED_AS) or f"python -m services.{service}", *command])
