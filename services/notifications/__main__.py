"""python -m services.notifications api | worker | all | migrate | openapi | preview …"""

import sys
from collections.abc import Sequence
from pathlib import Path

from chassis import entry


def _serve(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["preview"]:
        from services.notifications import preview  # noqa: PLC0415

        return preview.main(arguments[1:])
    from chassis.service import main  # noqa: PLC0415
    from services.notifications.app import service  # noqa: PLC0415

    return main(service, arguments)


sys.exit(entry.run(Path(__file__).parent, _serve))
