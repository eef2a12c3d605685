"""python -m services.authorizations api | worker | all | migrate | openapi | import FILE …"""

import sys
from collections.abc import Sequence
from pathlib import Path

from chassis import entry


def _serve(arguments: Sequence[str]) -> int:
    from chassis.service import main  # noqa: PLC0415
    from services.authorizations.app import service  # noqa: PLC0415
    from services.authorizations.imports import command  # noqa: PLC0415

    return command.main(arguments[1:]) if arguments[:1] == ["import"] else main(service, arguments)


sys.exit(entry.run(Path(__file__).parent, _serve))
