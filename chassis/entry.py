"""The first lines of every service's process: what needs no service is done before one is imported."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path


def run(folder: Path, serve: Callable[[Sequence[str]], int]) -> int:
    """The exit status of `python -m services.NAME …`. `folder` is the service's own, `serve` imports and runs it.

    Migrating imports no service: it takes a second less, and works while the service's code does not.
    """
    arguments = sys.argv[1:]
    if arguments == ["migrate"]:
        from chassis import migrations  # noqa: PLC0415

        return migrations.main(folder / "migrations")
    return serve(arguments)
