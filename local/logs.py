"""./mandat logs: prints, and follows, the log of one process of the last stack."""

import time

from local import STATE, Problem

FOLDER = STATE / "logs"


def show(name: str, *, follow: bool) -> int:
    """Prints the log, and what is added to it until Ctrl-C if asked.

    Raises Problem for a name without a log.
    """
    path = FOLDER / f"{name}.log"
    known = sorted(found.stem for found in FOLDER.glob("*.log"))
    if name not in known:
        raise Problem(f"There is no log of {name!r}; there is: {', '.join(known) or 'none yet, start ./mandat up'}.")
    with path.open(encoding="utf-8", errors="replace") as log:
        while True:
            if text := log.read():
                print(text, end="", flush=True)
            elif not follow:
                return 0
            else:
                time.sleep(0.2)
