"""python -m services.authorizations verify-signatures: whether every signature is still what was signed."""

import argparse
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from uuid import UUID

import uvloop

from chassis import settings as environment
from chassis import telemetry
from chassis.commands.answers import FAULTY, NOT_WELL, OUTAGES, WELL, complain
from chassis.database import Pool
from chassis.program import program
from chassis.service import platform
from chassis.settings import Settings
from services.authorizations.signatures import storage
from services.authorizations.signatures.handlers import ReadSignatures, read
from services.authorizations.tools import Tools

PORTION = 500  # requests of one look
FIRST = UUID(int=0)


def main(arguments: Sequence[str]) -> int:
    """Read every signature. Returns 1 when one is not what was signed or is missing, 2 for a wrong command."""
    parser = argparse.ArgumentParser(
        prog=program("authorizations", "verify-signatures"),
        description="Compare each signature with what the audit says of it. See docs/operations/audit.md.",
    )
    parser.parse_args(arguments)
    telemetry.configure("authorizations", "WARNING")
    try:
        return uvloop.run(_verify(environment.read(Settings)))
    except OUTAGES as error:
        return complain(f"the database does not answer: {error!r}")
    except FAULTY as error:
        return complain(str(error))


async def _verify(settings: Settings) -> int:
    from services.authorizations.app import service  # noqa: PLC0415 (app imports every room)

    number, faults = 0, 0
    async with platform(service, settings) as (_, unit):
        async for request_id, found in signed(unit.pool, unit.tools, unit.origin.clock()):
            number += len(found.kept)
            for line in faulty(request_id, found):
                faults += 1
                print(line)
    print(f"{number} signatures, {faults} not what was signed")
    return NOT_WELL if faults else WELL


async def signed(pool: Pool, tools: Tools, now: datetime) -> AsyncIterator[tuple[UUID, ReadSignatures]]:
    """Every request that was signed, and its signatures as they can be read."""
    last = FIRST
    async with pool.acquire() as connection:
        while request_ids := await storage.signed_requests(connection, last, PORTION):
            for request_id in request_ids:
                yield request_id, await read(connection, tools, request_id, now)
            last = request_ids[-1]


def faulty(request_id: UUID, found: ReadSignatures) -> list[str]:
    """What is wrong with the signatures of a request, a sentence each; whose audit is too old is not wrong."""
    changed = [str(one.signature.signature_id) for one in found.kept if one.intact is False]
    return [
        *(f"signature {one} of mandate {request_id} is not what was signed" for one in changed),
        *(f"signature {one} of mandate {request_id} is missing" for one in found.missing),
    ]
