"""Whether what was recorded is still what was sealed."""

import asyncio

from local import Problem
from local.journeys.narrator import PromiseBroken
from local.journeys.playing import Journey
from local.ports import SERVICES


async def verify_the_audit(journey: Journey) -> None:
    """`./mandat audit verify`: every service's chains, beside the heads that were published."""
    told, platform = journey.told, journey.portal.platform
    told.step("La trace | ./mandat audit verify", "Each service computes its chains anew and compares them.")

    async def verify(service: str) -> None:
        try:
            said = await platform.run(service, "audit", "verify")
        except Problem as problem:
            raise PromiseBroken(f"audit verify of {service}: {problem}") from None
        told.shows(said.strip().splitlines()[-1])

    await asyncio.gather(*(verify(service) for service in SERVICES))
    told.holds(True, "nothing was changed, is missing or was cut off since it was sealed")
