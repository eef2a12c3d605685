"""python -m services.accounts api | worker | all | migrate | openapi | dead-letters … | reset-groups …

And signing-keys …, the keys of tokens.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from chassis import entry


def _service() -> entry.AnyService:
    from services.accounts.app import service  # noqa: PLC0415

    return service


def _signing_keys(arguments: Sequence[str]) -> int:
    from services.accounts.tokens import command  # noqa: PLC0415

    return command.main(arguments)


sys.exit(entry.run(Path(__file__).parent, _service, {"signing-keys": _signing_keys}))
