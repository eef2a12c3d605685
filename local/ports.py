"""The TCP ports of the embedded stack, all on 127.0.0.1."""

import random
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import astuple, dataclass

from contracts import flow
from local import Problem


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
    def free(cls) -> "Ports":
        """Ports that nobody listens on now, for tests that run beside something else."""
        count = len(astuple(cls()))
        return cls(*free_ports(count))

    @classmethod
    def lasting(cls) -> "Ports":
        """Free ports that stay free while their server is down, for tests that restart servers."""
        return cls(*lasting_ports(len(astuple(cls()))))

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
                raise Problem(f"Port {port} is in use, and {use} needs it. Free it, and start again.")


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


def free_ports(count: int) -> Iterator[int]:
    """Different free ports, chosen by the operating system."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return iter([probe.getsockname()[1] for probe in probes])


FIRST_LASTING, LAST_LASTING = 10_000, 32_000
"""Below the ports that Linux (32768 and up) and macOS (49152 and up) give to outgoing connections."""


def lasting_ports(count: int) -> list[int]:
    """Different free ports that no outgoing connection takes by chance, not even one to the port itself."""
    found: set[int] = set()
    while len(found) < count:
        port = random.randrange(FIRST_LASTING, LAST_LASTING)
        if not in_use(port):
            found.add(port)
    return sorted(found)
