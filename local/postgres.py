"""A real PostgreSQL 18 on 127.0.0.1 unless told otherwise, one role and one database per service, and template
databases for tests.

Everyone signs in with a password (SCRAM). The superuser's is random and kept beside the data; a role's is
derived from it, so that nothing else needs keeping. A role cannot even connect to another service's
database.
"""

import hashlib
import hmac
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from local import Problem, postgres_programs, watchdog
from local.child import Child
from local.processes import Processes

SETTINGS = {
    "unix_socket_directories": "",  # a socket's path may be too long below a deep folder
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "512MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "password_encryption": "scram-sha-256",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_min_duration_statement": "1000",
    "dynamic_shared_memory_type": "mmap",  # containers often have a very small /dev/shm
} | (
    {"recovery_init_sync_method": "syncfs"} if sys.platform == "linux" else {}
)  # after a kill: one call, not thousands
UNSAFE = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum_naptime": "5min",
    "scram_iterations": "1",  # tests sign in by the thousand
}
"""For tests: a power cut may cost the data, a password on disk is easily guessed, and nothing else changes."""

START_TIMEOUT = 180.0
BACKENDS_TIMEOUT = 60.0
"""Seconds; about 1 on an idle machine. They end what hangs, and a busy machine hangs nothing."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass
class Postgres:
    """A server with its data in `folder`, listening on `port`.

    `durable=False` turns fsync off, for tests; `settings` take the place of those of SETTINGS. `address` is what URLs
    name; in a container, where clients come from elsewhere, it `listens` there too, with a `password` of the superuser
    that somebody else has chosen. `start()` returns when it answers, `stop()` when it has ended. Methods block for some
    ten milliseconds and may be called from any thread; all raise Problem when the server refuses.
    """

    folder: Path
    port: int
    log: Path
    durable: bool = True
    processes: Processes = field(default_factory=Processes)
    settings: Mapping[str, str] = field(default_factory=dict)
    address: str = "127.0.0.1"
    listens: str = "127.0.0.1"
    password: str = field(default_factory=partial(secrets.token_urlsafe, 32), repr=False)
    _child: Child | None = None

    def start(self) -> None:
        """Makes the cluster when the folder is new, starts the server, waits until it answers."""
        user, data = postgres_programs.system_user(), self.folder / "cluster"
        self.folder.mkdir(parents=True, exist_ok=True)
        if user is not None:
            postgres_programs.let_pass(self.folder, postgres_programs.programs())
        if not (self.folder / "made").exists():
            self._make_cluster(data, user)
            (self.folder / "made").touch()
        where = {"port": str(self.port), "listen_addresses": self.listens}
        settings = SETTINGS | where | dict(self.settings) | ({} if self.durable else UNSAFE)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._child = self.processes.start(
            "PostgreSQL",
            [postgres_programs.programs() / "postgres", "-D", data, *options],
            self.log,
            user=user,
            cwd=data,
            stop_signal=signal.SIGINT,  # "fast": ends open connections instead of waiting for them
        )
        self._child.wait_until(lambda: self.ready, START_TIMEOUT)
        self._sql("REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC;")

    def stop(self) -> None:
        """Ends the server in good order; its data stay."""
        if self._child is not None:
            self.processes.stop(self._child)
            self._child = None

    def kill(self) -> None:
        """Ends the server as kill -9 does; `start()` then recovers from its log. For tests of outages.

        Returns when its backends, which end by themselves without it, are gone as well: until then no other
        server may open the data.
        """
        if self._child is not None:
            backends = watchdog.children(self._child.process.pid)
            self.processes.kill(self._child)
            self._child = None
            deadline = time.monotonic() + BACKENDS_TIMEOUT
            while any(map(watchdog.alive, backends)):
                if time.monotonic() > deadline:
                    raise Problem("PostgreSQL's backends outlive it.")
                time.sleep(0.02)

    @property
    def ready(self) -> bool:
        """Whether the process runs and executes a statement."""
        return self._child is not None and self._child.running and self._psql("SELECT 1;").returncode == 0

    def create_database(self, name: str, owner: str | None = None) -> str:
        """Makes the database and its owner (a role, by default of the same name), unless they exist.

        Returns the URL with which the owner signs in.
        """
        owner = _checked(owner or name)
        if self._sql(f"SELECT 1 FROM pg_database WHERE datname = '{_checked(name)}';") == "":
            role = f"CREATE ROLE {owner} LOGIN PASSWORD '{self._role_password(owner)}';"
            self._sql(f"SELECT '{role.replace(chr(39), chr(39) * 2)}' WHERE to_regrole('{owner}') IS NULL \\gexec")
            self._sql(f"CREATE DATABASE {name} OWNER {owner};\nREVOKE CONNECT ON DATABASE {name} FROM PUBLIC;")
        return self.url(name, owner)

    def clone(self, template: str, name: str) -> str:
        """Makes `name` a copy of `template`, with the same owner, and returns the owner's URL.

        Nobody may be connected to the template. For tests: some 30 ms for a migrated, empty database.
        """
        query = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = "
        owner = self._sql(f"{query}'{_checked(template)}';")
        self._sql(
            f"CREATE DATABASE {_checked(name)} TEMPLATE {template} OWNER {owner};\n"
            f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC;"  # a copy does not keep this
        )
        return self.url(name, owner)

    def drop_database(self, name: str) -> None:
        """Drops the database, whoever is still connected to it."""
        self._sql(f"DROP DATABASE IF EXISTS {_checked(name)} WITH (FORCE);")

    def url(self, database: str, owner: str | None = None) -> str:
        """postgresql://… of the database for its owner (by default the role of the same name)."""
        role = _checked(owner or database)
        return f"postgresql://{role}:{self._role_password(role)}@{self.address}:{self.port}/{database}"

    @property
    def superuser_url(self) -> str:
        """For tests that must look, or break something, from above. No service is ever given it."""
        return f"postgresql://postgres:{self._password_file.read_text()}@{self.address}:{self.port}/postgres"

    def _make_cluster(self, data: Path, user: str | None) -> None:
        shutil.rmtree(data, ignore_errors=True)  # left by one that was interrupted
        data.mkdir(mode=0o700)
        password = self._password_file
        password.unlink(missing_ok=True)
        password.touch(mode=0o600)
        password.write_text(self.password)
        if user is not None:
            shutil.chown(data, user)
            shutil.chown(password, user)
        command = postgres_programs.initdb(data, password)
        self.processes.run("PostgreSQL's initdb", command, self.log, user=user, cwd=data)
        if self.listens != "127.0.0.1":
            with (data / "pg_hba.conf").open("a") as sign_in:
                sign_in.write("host all all all scram-sha-256\n")

    @property
    def _password_file(self) -> Path:
        return self.folder / "superuser.password"

    def _role_password(self, role: str) -> str:
        return role_password(self._password_file.read_text(), role)

    def _sql(self, statements: str, database: str = "postgres") -> str:
        """Runs statements as the superuser, each in a transaction of its own, and returns what they print."""
        result = self._psql(statements, database)
        if result.returncode != 0:
            raise Problem(f"PostgreSQL refused: {result.stderr.strip()}")
        return result.stdout.strip()

    def _psql(self, statements: str, database: str = "postgres") -> subprocess.CompletedProcess[str]:
        server = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database]
        return subprocess.run(
            [postgres_programs.programs() / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *server],
            input=f"SET client_min_messages = warning;\n{statements}\n",
            capture_output=True,
            text=True,
            check=False,
            timeout=START_TIMEOUT,
            env={**os.environ, "PGPASSWORD": self._password_file.read_text(), "PGCONNECT_TIMEOUT": "60"},
        )


def role_password(superusers: str, role: str) -> str:
    """A role's password, where the superuser's is this one."""
    return hmac.new(superusers.encode(), role.encode(), hashlib.sha256).hexdigest()


def _checked(name: str) -> str:
    """A name that needs no quoting in SQL.

    Raises ValueError for any other: names come from code, not from people.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"not a plain database or role name: {name!r}")
    return name
