"""The first lines of every service's process: what is asked of it, and who does that.

Only what is asked for is imported: a service is a second of start, and migrating needs none.
"""
# ruff: noqa: PLC0415

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from chassis.program import program

if TYPE_CHECKING:
    from chassis.service import Service

COMMANDS = {
    "api | worker | all": "run the gateway, the worker, or both, until told to stop",
    "migrate …": "bring the database to this version",
    "topics …": "make the topics it publishes on, and say which differ from the contracts",
    "openapi": "print the description of the gateway",
    "dead-letters …": "what could not be handled: list, show, redrive, drop",
    "reset-groups …": "after a restore: have the messages since then delivered again",
    "keys …": "make, rotate and publish the keys of this service",
    "audit …": "whether the audit was changed: verify, heads",
}
"""What every service is asked for."""

OF_A_SERVICE = {"dead-letters": "dead_letters", "reset-groups": "groups", "audit": "audit"}
"""Commands that need the service, and the modules of chassis.commands in which they are."""

WRONG_COMMAND_LINE = 2  # exit status, as argparse's

AnyService: TypeAlias = "Service[Any]"
Command = Callable[[Sequence[str]], int]


def run(folder: Path, load: Callable[[], AnyService], commands: Mapping[str, Command] | None = None) -> int:
    """The exit status of `python -m services.NAME …`. `folder` is the service's own, `load` imports it.

    `commands` are those that this service has besides, each called with the arguments after its name. Migrating,
    making topics and making keys import no service: they work while the service's code does not.
    """
    own = commands or {}
    match sys.argv[1:]:
        case [("api" | "worker" | "all") as role]:
            from chassis import service

            return service.main(load(), role, folder / "migrations")
        case ["migrate", *arguments]:
            from chassis.commands import migrate

            return migrate.main(folder / "migrations", arguments)
        case ["topics", *arguments]:
            from chassis.commands import topics

            return topics.main(folder.name, arguments)
        case ["openapi"]:
            from chassis import service

            sys.stdout.write(service.openapi(load()))
            return 0
        case ["keys", *arguments]:
            from chassis.commands import keys

            return keys.main(folder.name, load, arguments)
        case [name, *arguments] if name in OF_A_SERVICE:
            command = import_module(f"chassis.commands.{OF_A_SERVICE[name]}")
            status: int = command.main(load(), arguments)
            return status
        case [name, *arguments] if name in own:
            return own[name](arguments)
        case _:
            known = COMMANDS | {f"{name} …": f"see {name} --help" for name in own}
            lines = [f"  {name:<20}{words}" for name, words in known.items()]
            sys.stderr.write("\n".join([f"usage: {program(folder.name)} COMMAND", "", *lines, ""]))
            return WRONG_COMMAND_LINE
