"""Whether what was recorded is still what was sealed."""

import asyncio
import sys

from local import ROOT
from local.journeys.narrator import PromiseBroken
from local.journeys.playing import Journey
from local.ports import SERVICES


async def verify_the_audit(journey: Journey) -> None:
    """`./mandat audit verify`: every service's chains, beside the heads that were published."""
    told, stack = journey.told, journey.portal.stack
    told.step("La trace | ./mandat audit verify", "Each service computes its chains anew and compares them.")

    async def verify(service: str) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", f"services.{service}", "audit", "verify",
            env=stack.environment(service), cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, failed = await process.communicate()
        if process.returncode:
            raise PromiseBroken(f"audit verify of {service}: {(said + failed).decode()[-500:]}")
        told.shows(said.decode().strip().splitlines()[-1])

    await asyncio.gather(*(verify(service) for service in SERVICES))
    told.holds(True, "nothing was changed, is missing or was cut off since it was sealed")
