"""What is loaded and broken, wherever it runs: the stack beside us (embedded.py), or a release in a cluster."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import asyncpg
import httpx

from chassis.audit.published import published
from chassis.audit.verifying import verify
from chassis.database import connect
from chassis.kafka import Clients
from chassis.keys import Keyring
from contracts import agency as agencies
from contracts.audit import HEADS
from local.ports import SERVICES
from tests.faults.history import LONG_AGO
from tests.faults.mail_host import Mode
from tests.faults.offers import Offers
from tests.faults.population import Claimable, Firm, Population, Practice, today


class Ground(ABC):
    """A platform of one agency whose `population` was imported, and whose mails all go to the harness's mail host."""

    agency_folder: Path
    population: Population

    @abstractmethod
    def gateway(self, service: str) -> str:
        """Base URL of a service's public HTTP interface."""

    @abstractmethod
    def database(self, service: str) -> str:
        """postgresql://… of a service's database."""

    @property
    @abstractmethod
    def kafka_clients(self) -> Clients:
        """Who may read and write every topic, and see every group."""

    @property
    @abstractmethod
    def demo_issuer(self) -> str:
        """Base URL of the issuer of demo agents' tokens."""

    @property
    @abstractmethod
    def control(self) -> str:
        """Base URL of the mail host's control."""

    @abstractmethod
    def keyring(self, service: str) -> Keyring:
        """A service's private keys."""

    @abstractmethod
    def bring_in(self, number: str, trade_name: str) -> None:
        """Runs the import of an organization that has a new trade name. Raises Problem unless the command says so."""

    @property
    def offers(self) -> Offers:
        """What the agency's data offer."""
        return self.population.offers

    @property
    def firms(self) -> Sequence[Firm]:
        """Those whose people link with coordinates."""
        return self.population.firms

    @property
    def claimed(self) -> Sequence[Claimable]:
        """Those whose people claim them."""
        return self.population.claimed

    @property
    def practices(self) -> Sequence[Practice]:
        """Those whose professionals mandate others."""
        return self.population.practices

    def set_mail_host(self, mode: Mode) -> None:
        """Changes how the mail host behaves."""
        httpx.put(f"{self.control}/mode/{mode}", trust_env=False, timeout=10).raise_for_status()

    def dropped(self) -> int:
        """How many mails the host took without saying so."""
        answer = httpx.get(f"{self.control}/dropped", trust_env=False, timeout=10).raise_for_status()
        return int(answer.text)

    def today(self) -> date:
        """The agency's day."""
        return today(self.agency_folder)

    async def begin_day(self) -> None:
        """Lets a day begin on which nobody was told of anything, though it is the same day: who was told stays so.

        Raises what a failing database raises.
        """
        async with self.connected("authorizations") as connection:
            await connection.execute("delete from notice_rounds")

    async def let_lapse(self, request_id: str) -> None:
        """Lets a request's last day pass. Raises what a failing database raises."""
        async with self.connected("authorizations") as connection:
            await connection.execute(
                "update requests set lapses_on = $2 where request_id = $1 and settled_at is null",
                request_id,
                LONG_AGO.date(),
            )

    async def let_outlive(self, attachment_id: str) -> None:
        """Lets the time pass for which an attachment is kept. Raises what a failing database raises."""
        async with self.connected("authorizations") as connection:
            await connection.execute(
                "update attachments set used_at = $2 where attachment_id = $1", attachment_id, LONG_AGO
            )

    @asynccontextmanager
    async def connected(self, service: str) -> "AsyncIterator[asyncpg.Connection]":
        """A connection to a service's database. Raises what a failing database raises."""
        connection = await asyncpg.connect(self.database(service), timeout=30)
        try:
            yield connection
        finally:
            await connection.close()

    async def verify_audit(self) -> list[str]:
        """What each service's `audit verify` says of what is not as it was sealed.

        Here and not in four processes, whose starts would cost a short run more than the verifying.
        """
        keeps = agencies.load(self.agency_folder).retention.audit.keeps

        async def verified(service: str) -> list[str]:
            heads = await published(self.kafka_clients, "", HEADS[service])
            connection = await connect(self.database(service), command_timeout=None)
            try:
                found = await verify(connection, heads, keeps)
            finally:
                await connection.close()
            return [f"{service}, chain {fault.chain_id}: {fault.words}" for fault in found.faults]

        return [line for lines in await asyncio.gather(*map(verified, SERVICES)) for line in lines]
