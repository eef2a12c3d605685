"""python -m services.NAME keys: make, rotate and publish the keys of a service. FILE may be -, as a filter.

Only relock and retire need settings and a database, and only they import the service. docs/operations/rotate-keys.md
tells the order of the steps.
"""
# ruff: noqa: PLC0415

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chassis import keys, rotation, telemetry
from chassis.commands.answers import FAULTY, OUTAGES, WELL, complain
from chassis.keys import Keyring
from chassis.program import program

if TYPE_CHECKING:
    from chassis.service import Service

STANDARD = Path("-")


def main(service: str, load: Callable[[], "Service[Any]"], arguments: Sequence[str]) -> int:
    """Carry out one command. Returns 0, 1 when it was refused, 2 for a wrong command line."""
    asked = _parser(service).parse_args(arguments)
    telemetry.configure(service, "ERROR")
    try:
        match asked.command:
            case "new":
                return _new(service, asked.file)
            case "public":
                sys.stdout.write(keys.public_json(_by_service(asked.files)))
                return WELL
            case "relock":
                from chassis.commands import rekeying

                return asyncio.run(rekeying.relock_all(load(), asked.by))
        ring = _read(asked.file)
        if ring.service != service:
            return complain(f"{asked.file} is the keyring of {ring.service}, not of {service}")
        return _changed(ring, load, asked)
    except OUTAGES as error:
        return complain(f"not finished; ask again once the database answers: {error!r}")
    except FAULTY as error:
        return complain(str(error))


def _changed(ring: Keyring, load: Callable[[], "Service[Any]"], asked: argparse.Namespace) -> int:
    match asked.command:
        case "list":
            _list(ring)
            return WELL
        case "add":
            changed = rotation.with_another(ring, asked.use)
            words = f"{asked.use} key {rotation.newest(changed, asked.use).kid} added; nothing is made with it yet"
        case "promote":
            changed = rotation.with_newest_first(ring, asked.use, datetime.now(UTC))
            words = f"{asked.use} key {changed.of_use(asked.use)[0].kid} is in use"
        case _:
            from chassis.commands import rekeying

            changed = rotation.without(ring, asked.use, asked.kid)
            retire = rekeying.Retire(asked.use, rotation.find(ring, asked.use, asked.kid), asked.by)
            if reasons := asyncio.run(rekeying.reasons_to_keep(load(), retire)):
                return complain(f"{asked.use} key {asked.kid} stays:\n  " + "\n  ".join(reasons))
            words = f"{asked.use} key {asked.kid} is gone"
    _write(changed, asked.file)
    sys.stderr.write(f"{words}; it counts once every process of {ring.service} has been started anew\n")
    return WELL


def _parser(service: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program(service, "keys"),
        description="Make, rotate and publish a service's keys. See docs/operations/rotate-keys.md.",
        epilog="FILE may be -: read from the standard input, written to the standard output.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    new = commands.add_parser("new", help="make a keyring; refused where the file stands already")
    listed = commands.add_parser("list", help="kids, and which is in use")
    add = commands.add_parser("add", help="add a key that is known, but not in use yet")
    promote = commands.add_parser("promote", help="put the key that was added last in use")
    retire = commands.add_parser("retire", help="remove a key; refused while something made with it may come back")
    relock = commands.add_parser(
        "relock", help="encrypt anew, with the storage key in use, what rests under older ones"
    )
    for command in (new, listed, add, promote, retire):
        command.add_argument("file", type=Path, metavar="FILE")
    for command in (add, promote, retire):
        command.add_argument("--use", choices=keys.USES, required=True)
    retire.add_argument("kid", metavar="KID", help="as list shows it")
    for command in (retire, relock):
        command.add_argument("--by", required=True, metavar="NAME", help="who you are, for the audit")
    public = commands.add_parser("public", help="print the public sealing keys of all services (MANDAT_SEALING_KEYS)")
    public.add_argument("files", type=Path, nargs="+", metavar="FILE", help="one keyring of every service")
    return parser


def _new(service: str, file: Path) -> int:
    if file != STANDARD and file.exists():
        return complain(f"{file} stands already: what was made with its keys would be lost")
    _write(keys.generate(service), file)
    return WELL


def _by_service(files: Sequence[Path]) -> list[Keyring]:
    rings = [_read(file) for file in files]
    if len({ring.service for ring in rings}) < len(rings):
        raise ValueError("two keyrings are of the same service")
    return rings


def _read(file: Path) -> Keyring:
    try:
        return keys.parse(sys.stdin.read()) if file == STANDARD else keys.read(file)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None


def _write(ring: Keyring, file: Path) -> None:
    if file == STANDARD:
        sys.stdout.write(ring.as_json())
    else:
        ring.write(file)


def _list(ring: Keyring) -> None:
    for use in keys.USES:
        first, newest = ring.of_use(use)[0], rotation.newest(ring, use)
        for key in ring.of_use(use):
            since = rotation.superseded_at(key)
            if key is first:
                standing = "in use"
            elif key is newest:
                standing = "added, not in use yet"
            else:
                standing = f"superseded {since.isoformat()}" if since else "superseded"
            print(f"{use:<10}{key.kid!s:<20}{standing}")
