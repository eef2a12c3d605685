"""python -m services.notifications api | worker | all | migrate | openapi | dead-letters … | reset-groups …

And preview …, which shows every mail on one page.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from chassis import entry


def _service() -> entry.AnyService:
    from services.notifications.app import service  # noqa: PLC0415

    return service


def _preview(arguments: Sequence[str]) -> int:
    from services.notifications.composing import preview  # noqa: PLC0415

    return preview.main(arguments)


sys.exit(entry.run(Path(__file__).parent, _service, {"preview": _preview}))
