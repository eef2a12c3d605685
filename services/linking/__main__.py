"""python -m services.linking api | worker | all | migrate | openapi | dead-letters … | reset-groups …"""

import sys
from pathlib import Path

from chassis import entry


def _service() -> entry.AnyService:
    from services.linking.app import service  # noqa: PLC0415

    return service


sys.exit(entry.run(Path(__file__).parent, _service))
