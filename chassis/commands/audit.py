"""python -m services.NAME audit …: whether the audit is still what was sealed.

It needs the service's database, and to verify also the agency's folder and, for the published heads, Kafka; no process
of the service need run, and none of its keys is asked for. Verifying reads only: a role that may nothing else will do.
"""

import argparse
import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError

from chassis import settings as environment
from chassis import telemetry
from chassis.audit import storage
from chassis.audit.chain import Head
from chassis.audit.published import published
from chassis.audit.verifying import Fault, KnownHead, Verified, verify
from chassis.commands.answers import FAULTY, NOT_WELL, OUTAGES, WELL, complain
from chassis.database import Address, connect
from chassis.kafka import Clients
from chassis.program import program
from chassis.service import Service
from chassis.settings import DatabaseSettings, KafkaSettings
from contracts import agency as agencies
from contracts.audit import HEADS

T = TypeVar("T")


class VerifyingSettings(DatabaseSettings, KafkaSettings):
    """All that verifying asks the environment for: `agency` says for how long entries are kept."""

    agency: Path


class KeptHead(BaseModel):
    """A line of what `heads` prints and `verify --heads` reads."""

    service: str
    chain_id: UUID
    sequence: int
    digest: str


def main(service: Service[T], arguments: Sequence[str]) -> int:
    """Carry one command out. Returns 0 when all is as sealed, 1 when not or unknown, 2 for a wrong command line."""
    asked = _parser(service.name).parse_args(arguments)
    telemetry.configure(service.name, "ERROR")
    try:
        match asked.command:
            case "heads":
                return asyncio.run(_print_heads(service.name, environment.read(DatabaseSettings)))
            case "allow":
                return asyncio.run(_allow(service.name, environment.read(DatabaseSettings), asked.role))
        return asyncio.run(_verify(service.name, environment.read(VerifyingSettings), asked))
    except OUTAGES as error:
        if asked.command == "allow":
            return complain(f"not allowed: {error}")
        what = "Kafka or the database does not answer; --without-published asks the database alone"
        return complain(f"not verified: {what}: {error!r}")
    except FAULTY as error:
        return complain(str(error))


def _parser(service: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program(service, "audit"),
        description="Whether the audit is still what was sealed. See docs/operations/audit.md.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    verifying = commands.add_parser("verify", help="recompute every chain, and compare it with published heads")
    verifying.add_argument("--heads", type=Path, metavar="FILE", help="heads that were kept, as `heads` prints them")
    verifying.add_argument("--without-published", action="store_true", help="do not read the published heads in Kafka")
    verifying.add_argument("--json", action="store_true", help="one JSON object a line")
    commands.add_parser("heads", help="print the head of every chain, one JSON object a line, to be kept elsewhere")
    allowing = commands.add_parser("allow", help="let another role of the database read what `verify` reads")
    allowing.add_argument("role", help="that exists, and cannot write the audit")
    return parser


async def _print_heads(service: str, settings: DatabaseSettings) -> int:
    connection = await connect(Address.direct(settings), command_timeout=None)
    try:
        for chain_id, chain in sorted((await storage.chains(connection)).items()):
            digest = chain.head.digest.hex()
            kept = KeptHead(service=service, chain_id=chain_id, sequence=chain.head.sequence, digest=digest)
            print(kept.model_dump_json())
    finally:
        await connection.close()
    return WELL


async def _allow(service: str, settings: DatabaseSettings, role: str) -> int:
    """Raises ValueError for a role that is not there, or could change what it is to verify."""
    connection = await connect(Address.direct(settings))
    try:
        async with connection.transaction():
            if not await storage.is_role(connection, role):
                raise ValueError(f"not allowed: the database has no role {role}")
            if await storage.may_change(connection, role):
                raise ValueError(f"not allowed: {role} could change what it is to verify")
            await storage.let_verify(connection, role)
    finally:
        await connection.close()
    print(f"{service}: {role} may read what `audit verify` reads")
    return WELL


async def _verify(service: str, settings: VerifyingSettings, asked: argparse.Namespace) -> int:
    heads = _kept(service, asked.heads) if asked.heads is not None else []
    if not asked.without_published:
        heads += await published(Clients.of(settings), settings.topic_prefix, HEADS[service])
    connection = await connect(Address.direct(settings), command_timeout=None)
    try:
        found = await verify(connection, heads, agencies.load(settings.agency).retention.audit.keeps)
    finally:
        await connection.close()
    for fault in found.faults:
        print(json.dumps(_facts(service, fault)) if asked.json else f"{service}, {_words(fault)}")
    if not asked.json:
        print(f"{service}: {_sum(found)}")
    return NOT_WELL if found.faults else WELL


def _kept(service: str, file: Path) -> list[KnownHead]:
    """The heads of this service in a file. Raises ValueError, which names the line, or says why it cannot be read."""
    found = []
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:  # no outage of Kafka or the database
        raise ValueError(f"not verified: {file}: {error.strerror}") from None
    for number, line in enumerate(text.splitlines(), 1):
        try:
            kept = KeptHead.model_validate_json(line)
            head = Head(kept.sequence, bytes.fromhex(kept.digest))
        except (ValidationError, ValueError):
            raise ValueError(f"{file.name}, line {number}, is not a head as `audit heads` prints them") from None
        if kept.service == service:
            found.append(KnownHead(kept.chain_id, head, f"{file.name}, line {number}"))
    return found


def _words(fault: Fault) -> str:
    match fault.chain_id:
        case None:
            return fault.words
        case UUID(int=0):
            return f"entries of no organization: {fault.words}"
    return f"organization {fault.chain_id}: {fault.words}"


def _facts(service: str, fault: Fault) -> dict[str, Any]:
    chain_id = None if fault.chain_id is None else str(fault.chain_id)
    return {"service": service, "chain_id": chain_id, "sequence": fault.sequence, "fault": fault.words}


def _sum(found: Verified) -> str:
    counted = ", ".join([
        _count(found.chains, "chain", "chains"),
        _count(found.entries, "sealed entry", "sealed entries"),
        _count(found.heads, "known head", "known heads"),
    ])  # fmt: skip
    return f"{counted}: {_count(len(found.faults), 'fault', 'faults') if found.faults else 'as they were sealed'}"


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
