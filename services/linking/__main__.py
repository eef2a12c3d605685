"""python -m services.linking api | worker | all | migrate | openapi."""

import sys
from collections.abc import Sequence
from pathlib import Path

from chassis import entry


def _serve(arguments: Sequence[str]) -> int:
    from chassis.service import main  # noqa: PLC0415
    from services.linking.app import service  # noqa: PLC0415

    return main(service, arguments)


sys.exit(entry.run(Path(__file__).parent, _serve))
