"""python -m services.NAME keys: make, rotate and publish the keys of a service. FILE may be -, as a filter.

Neither settings nor a database are needed; see docs/operations/rotate-keys.md for the order of the steps.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from chassis import keys, rotation
from chassis.commands.answers import WELL, complain
from chassis.keys import Keyring
from chassis.program import program

STANDARD = Path("-")


def main(service: str, arguments: Sequence[str]) -> int:
    """Carry out one command. Returns 0, 1 when it was refused, 2 for a wrong command line."""
    asked = _parser(service).parse_args(arguments)
    try:
        if asked.command == "new":
            return _new(service, asked.file)
        if asked.command == "public":
            sys.stdout.write(keys.public_json(_by_service(asked.files)))
            return WELL
        ring = _read(asked.file)
        if ring.service != service:
            return complain(f"{asked.file} is the keyring of {ring.service}, not of {service}")
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
        _write(changed, asked.file)
    except (OSError, ValueError) as error:
        return complain(str(error))
    sys.stderr.write(f"{words}; it counts once every process of {service} has been started anew\n")
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
    for command in (new, listed, add, promote):
        command.add_argument("file", type=Path, metavar="FILE")
    for command in (add, promote):
        command.add_argument("--use", choices=keys.USES, required=True)
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
