"""python -m services.linking api | worker | all | migrate | openapi | dead-letters … | reset-groups … | import …"""

import sys
from collections.abc import Sequence
from pathlib import Path

from chassis import entry


def _service() -> entry.AnyService:
    from services.linking.app import service  # noqa: PLC0415

    return service


def _import(arguments: Sequence[str]) -> int:
    from services.linking.former_credentials import importing  # noqa: PLC0415

    return importing.main(arguments)


sys.exit(entry.run(Path(__file__).parent, _service, {"import": _import}))
