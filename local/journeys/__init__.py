"""Journeys: what the agencies' guides describe, played through the gateways as a portal would.

`./mandat demo` plays one and prints it; tests/journeys/ plays the same one and asserts the same things.
"""

import asyncio

from local import Problem
from local.journeys.ccq import play as play_ccq
from local.journeys.narrator import Narrator, PromiseBroken
from local.stack import Stack

JOURNEYS = {"ccq": play_ccq}


def play(agency: str, stack: Stack) -> bool:
    """Play the agency's journey and print it. Whether every step held."""
    if agency not in JOURNEYS:
        raise Problem(f"No journey is written for {agency} yet; there is one for {', '.join(JOURNEYS)}.")
    narrator = Narrator()
    try:
        asyncio.run(JOURNEYS[agency](stack, narrator))
    except PromiseBroken as broken:
        narrator.end(str(broken))
        return False
    narrator.end(None)
    return True
