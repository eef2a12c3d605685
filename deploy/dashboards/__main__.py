"""`python -m deploy.dashboards [--check]`: write the dashboards that the chart ships, or say which differ."""

import json
import sys
from pathlib import Path

from deploy import CHART
from deploy.dashboards import agency, capacity, gateways, mails, messaging, overview
from deploy.dashboards.grafana import render

FOLDER = CHART / "files" / "dashboards"
BOARDS = (overview.BOARD, gateways.BOARD, messaging.BOARD, mails.BOARD, agency.BOARD, capacity.BOARD)
"""In the order in which to look at them."""


def written() -> dict[Path, str]:
    """What each file has to hold."""
    return {
        FOLDER / f"{board.name}.json": json.dumps(render(board, BOARDS), indent=1, ensure_ascii=False) + "\n"
        for board in BOARDS
    }


def main(arguments: list[str]) -> int:
    """Returns the exit status."""
    files = written()
    differing = [path for path, text in files.items() if not path.exists() or path.read_text("utf-8") != text]
    differing += sorted(set(FOLDER.glob("*.json")) - files.keys())
    if "--check" in arguments:
        for path in differing:
            sys.stderr.write(f"{path.name} is not what python -m deploy.dashboards writes\n")
        return 1 if differing else 0
    FOLDER.mkdir(exist_ok=True)
    for path in differing:
        if path in files:
            path.write_text(files[path], encoding="utf-8")
        else:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
