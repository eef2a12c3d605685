"""One server of the local stack alone, as the process of a container: what a trial of the chart has in place of an
agency's own Kafka and PostgreSQL.

`python -m tests.cluster.server kafka --folder /data --address NAME` (or postgres): clients find it at this address. Its
data stay in the folder, also when its process is killed; it then ends, with exit status 1, and whoever started it
starts it again. The superuser's password of PostgreSQL stands in the file that `--password-file` names; each service
has a database and a role there, whose password follows from it (local/postgres.py).
"""

import argparse
import asyncio
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from local import Problem
from local.child import Child, tail
from local.guarded import GuardedKafka
from local.ports import EVERYWHERE, SERVICES
from local.postgres import Postgres

KAFKA_PORT, CONTROLLER_PORT, GUARDED_PORT, POSTGRES_PORT = 9092, 9093, 9094, 5432
MANY_CONNECTIONS = {"max_connections": "500"}
"""While a release is replaced, two stand beside each other."""

LOOK_EVERY = 0.2


def kafka(folder: Path, address: str) -> GuardedKafka:
    """A broker that others reach, by a guarded door and by one for whoever looks on."""
    log = folder / "kafka.log"
    return GuardedKafka(
        folder,
        KAFKA_PORT,
        CONTROLLER_PORT,
        log,
        address=address,
        listens=EVERYWHERE,
        guarded_port=GUARDED_PORT,
    )


def postgres(folder: Path, address: str, password: str) -> Postgres:
    """A server that others reach."""
    folder.joinpath("cluster", "postmaster.pid").unlink(missing_ok=True)  # of a container that is gone
    return Postgres(
        folder,
        POSTGRES_PORT,
        folder / "postgres.log",
        settings=MANY_CONNECTIONS,
        address=address,
        listens=EVERYWHERE,
        password=password,
    )


def main(arguments: Sequence[str]) -> int:
    """Runs the server until it ends, or the process is told to stop. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.server", description=__doc__)
    parser.add_argument("server", choices=("kafka", "postgres"))
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--address", required=True)
    parser.add_argument("--password-file", type=Path)
    options = parser.parse_args(arguments)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    if options.server == "kafka":
        server: GuardedKafka | Postgres = kafka(options.folder, options.address)
    else:
        server = postgres(options.folder, options.address, options.password_file.read_text())
    try:
        server.start()
        if isinstance(server, Postgres):
            for service in SERVICES:
                server.create_database(service)
        else:
            asyncio.run(server.guard())
        print(f"{options.server} answers at {options.address}", flush=True)
        while not stopping.wait(LOOK_EVERY):
            if gone := server.processes.ended():
                return _ended(gone)
    except Problem as problem:
        print(problem, file=sys.stderr, flush=True)
        return 1
    finally:
        server.processes.stop_all()
    return 0


def _ended(gone: Sequence[Child]) -> int:
    for child in gone:
        print(f"{child.name} has ended by itself. The end of its log:\n{tail(child.log)}", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
