"""The TCP ports of the embedded stack, all on 127.0.0.1."""

import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path

from contracts import flow
from local import Problem

SHIFT = "--shift-ports"  # the option of demo and up
EVERYWHERE = "0.0.0.0"  # noqa: S104 (where a container listens; nothing else here does)


@dataclass(frozen=True)
class Ports:
    """Who listens where. The defaults are what the README and the demo show."""

    accounts: int = 8101
    linking: int = 8102
    authorizations: int = 8103
    notifications: int = 8104
    accounts_operations: int = 8201
    linking_operations: int = 8202
    authorizations_operations: int = 8203
    notifications_operations: int = 8204
    smtp: int = 8025
    outside: int = 8026
    bounces: int = 8027
    kafka: int = 19092
    kafka_controller: int = 19093
    postgres: int = 15432

    @classmethod
    def shifted(cls, by: int) -> "Ports":
        """Each of the defaults, so many higher."""
        return cls(*(port + by for port in astuple(cls())))

    @classmethod
    def free(cls) -> "Ports":
        """Ports that are nobody else's while this process lives, for tests that run beside something else."""
        return cls(*free_ports(len(astuple(cls()))))

    def gateway(self, service: str) -> int:
        """Where the service's public HTTP interface listens."""
        return self._named(service)

    def operations(self, service: str) -> int:
        """Where the service answers /livez, /readyz and /metrics; never on the public host."""
        return self._named(f"{service}_operations")

    def _named(self, name: str) -> int:
        port: int = getattr(self, name)
        return port

    def uses(self) -> Mapping[int, str]:
        """Port → what wants it, in words."""
        servers = {
            self.smtp: "the mail inbox (SMTP)",
            self.outside: "the mail inbox's page",
            self.bounces: "the server for mails that come back (LMTP and SMTP)",
            self.kafka: "Kafka",
            self.kafka_controller: "Kafka's controller",
            self.postgres: "PostgreSQL",
        }
        return {
            **{self.gateway(service): f"the service {service}" for service in SERVICES},
            **{self.operations(service): f"the operations page of {service}" for service in SERVICES},
            **servers,
        }

    def check(self) -> None:
        """Raises Problem, naming the port and what wants it, when one of them is taken."""
        for port, use in self.uses().items():
            if in_use(port):
                raise Problem(
                    f"Port {port} is in use, and {use} needs it. Free it, and start again; or choose other ports:"
                    f" {SHIFT} 1000 makes each of them 1000 higher."
                )


LEAST_SHIFT = 1_024 - min(astuple(Ports()))  # below are ports that only root may listen on
MOST_SHIFT = 65_535 - max(astuple(Ports()))

SERVICES = tuple(sorted(flow.SERVICES, key=lambda service: int(getattr(Ports, service))))
"""In the order of their ports, in which they are started."""


def in_use(port: int) -> bool:
    """Whether somebody listens on this port.

    (Binds as servers do, so that a closing connection is no obstacle.)
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


FIRST_FREE, LAST_FREE = 10_000, 32_000
"""Below the ports that Linux (32768 and up) and macOS (49152 and up) give to outgoing connections: one of those may be
taken, by chance or by a connection to the port itself, before its server binds it or while its server is down."""

RESERVED = Path(tempfile.gettempdir()) / f"mandat-ports-{os.getuid()}"
"""A locked file for each port that some process has chosen: two that choose at one moment do not choose the same."""

_held: dict[int, int] = {}  # port → file descriptor, open until this process ends


def free_ports(count: int) -> list[int]:
    """Different free ports. Nobody else who asks here gets them while this process lives."""
    RESERVED.mkdir(mode=0o700, exist_ok=True)
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().randrange(FIRST_FREE, LAST_FREE)
        if port not in Ports().uses() and _reserve(port):
            found.append(port)
    return found


def _reserve(port: int) -> bool:
    if port in _held:
        return False
    file = os.open(RESERVED / str(port), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return False
    if in_use(port):
        os.close(file)
        return False
    _held[port] = file
    return True
