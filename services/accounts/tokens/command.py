"""python -m services.accounts signing-keys: the keys that sign access tokens and proofs."""

import argparse
from collections.abc import Sequence

import uvloop

from chassis import settings as environment
from chassis import telemetry
from chassis.commands.answers import FAULTY, OUTAGES, WELL, complain
from chassis.program import program
from chassis.service import platform
from chassis.work import Actor
from services.accounts.settings import AccountsSettings
from services.accounts.tokens import rotating
from services.accounts.tokens.handlers import RetireKey, add_key, list_keys, retire_key


def main(arguments: Sequence[str]) -> int:
    """Returns 0, 1 when it was refused or the database does not answer, 2 for a wrong command line."""
    asked = _parser().parse_args(arguments)
    telemetry.configure("accounts", "ERROR")
    try:
        return uvloop.run(_carry_out(environment.read(AccountsSettings), asked))
    except OUTAGES as error:
        return complain(f"not finished; ask again once the database answers: {error!r}")
    except FAULTY as error:
        return complain(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program("accounts", "signing-keys"),
        description="The keys that sign access tokens and proofs. See docs/operations/rotate-keys.md.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("list", help="every key, and from when it signs")
    add = commands.add_parser("add", help="publish another key, which signs a quarter of an hour later")
    add.add_argument("--at-once", action="store_true", help="it signs now, though not every service knows it yet")
    retire = commands.add_parser("retire", help="publish a key no more; refused while what it signed counts")
    retire.add_argument("kid", metavar="KID", help="as list shows it")
    retire.add_argument("--known-by-others", action="store_true", help="now: what it signed is refused from then on")
    for command in (add, retire):
        command.add_argument("--by", required=True, metavar="NAME", help="who you are, for the audit")
    return parser


async def _carry_out(settings: AccountsSettings, asked: argparse.Namespace) -> int:
    from services.accounts.app import service  # noqa: PLC0415 (app imports every room)

    async with platform(service, settings) as (_, unit):
        match asked.command:
            case "list":
                now = unit.origin.clock()
                keys = (await unit.run(list_keys, None, Actor("operator", "unnamed"))).outcome
                signs = rotating.signing(keys, now)
                for key in keys:
                    since = key.signs_from.isoformat(timespec="seconds")
                    words = "signs since" if key == signs else "signs from" if key.signs_from > now else "signed from"
                    print(f"{key.kid}  {words} {since}")
            case "add":
                added = (await unit.run(add_key, asked.at_once, Actor("operator", asked.by))).outcome
                print(f"{added.kid}  published; signs from {added.signs_from.isoformat(timespec='seconds')}")
            case "retire":
                await unit.run(retire_key, RetireKey(asked.kid, asked.known_by_others), Actor("operator", asked.by))
                print(f"{asked.kid}  is published no more")
    return WELL
