"""Journeys: what the agencies' guides describe, played through the gateways as a portal would.

`./mandat demo` plays one and prints it; tests/journeys/ plays the same one and asserts the same things.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import httpx

from local import Problem
from local.journeys.ccq import play as play_ccq
from local.journeys.narrator import Narrator, PromiseBroken
from local.journeys.platform import Platform
from local.journeys.ramq import play_in_both_languages as play_ramq
from local.journeys.wsscc import play as play_wsscc
from local.stack import Stack

Play = Callable[[Platform, Narrator], Coroutine[Any, Any, object]]

JOURNEYS: Mapping[str, Play] = {"ccq": play_ccq, "wsscc": play_wsscc, "ramq": play_ramq}


def play(agency: str, stack: Stack) -> bool:
    """Play the agency's journey and print it. Whether every step held."""
    if agency not in JOURNEYS:
        raise Problem(f"No journey is written for {agency} yet; there is one for {', '.join(JOURNEYS)}.")
    narrator = Narrator(logs=f"{stack.logs}, or ./mandat logs SERVICE")
    try:
        asyncio.run(JOURNEYS[agency](stack, narrator))
    except (PromiseBroken, httpx.HTTPError) as broken:
        narrator.end(str(broken) or type(broken).__name__)
        return False
    narrator.end(None)
    return True
