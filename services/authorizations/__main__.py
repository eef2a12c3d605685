"""python -m services.authorizations api | worker | all | migrate | openapi | dead-letters … | reset-groups …

And import FILE …, which brings in an extract; verify-signatures, which reads them all.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from chassis import entry


def _service() -> entry.AnyService:
    from services.authorizations.app import service  # noqa: PLC0415

    return service


def _import(arguments: Sequence[str]) -> int:
    from services.authorizations.imports import command  # noqa: PLC0415

    return command.main(arguments)


def _verify_signatures(arguments: Sequence[str]) -> int:
    from services.authorizations.signatures import command  # noqa: PLC0415

    return command.main(arguments)


sys.exit(entry.run(Path(__file__).parent, _service, {"import": _import, "verify-signatures": _verify_signatures}))
