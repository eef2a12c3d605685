"""What a journey needs of the platform that it is played on: the stack beside us, or a release in a cluster."""

from pathlib import Path
from typing import Protocol

from chassis.kafka import Clients


class Platform(Protocol):
    """A platform that runs, for one agency, with an inbox and a demo issuer beside it."""

    @property
    def agency_folder(self) -> Path:
        """The agency's data, as the services read them."""

    @property
    def inbox(self) -> str:
        """Base URL of the mail inbox."""

    @property
    def demo_issuer(self) -> str:
        """Base URL, and `iss`, of the issuer of demo agents' tokens."""

    @property
    def machine(self) -> tuple[str, str]:
        """client_id and secret of the machine client that may ask for access decisions."""

    @property
    def kafka_clients(self) -> Clients:
        """Who may read every topic."""

    def gateway(self, service: str) -> str:
        """Base URL of a service's public HTTP interface."""

    async def run(self, service: str, *arguments: str) -> str:
        """What one of a service's commands says. Raises Problem unless its exit status is 0."""
