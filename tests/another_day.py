"""Runs tests on another day: python -m tests.another_day "2026-12-31 23:50" services/accounts …

The instant is UTC's, and what follows is pytest's. The clock runs on from there for the tests and for the servers that
they start, so that dates, certificates, tokens and PostgreSQL's now() agree; the machine's own clock stays as it is.
Linux only; wants a C compiler. Not libfaketime: under it Python's time.sleep fails (its deadline is monotonic).
"""

import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")
ITS_OWN_SERVERS = {"MANDAT_TEST_STACK": "embedded"}  # others would keep today's time


def main(instant: str, *arguments: str) -> int:
    """Build the clock, run pytest by it, and return what it returns."""
    ahead = datetime.fromisoformat(instant).replace(tzinfo=UTC) - datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as another user where this one is root
        library = Path(folder) / "another_day.so"
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
        settings = {"LD_PRELOAD": str(library), "MANDAT_TEST_SECONDS_AHEAD": str(round(ahead.total_seconds()))}
        command = [sys.executable, "-m", "pytest", *arguments]
        return subprocess.run(command, env=os.environ | ITS_OWN_SERVERS | settings, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
