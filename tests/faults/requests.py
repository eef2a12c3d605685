"""Firms that ask employers: for a relation that is missing, for the end of one; employers and agents who decide."""

import asyncio
import contextlib
from dataclasses import dataclass
from functools import partial
from typing import Any

from local.journeys.portal import Someone
from tests.faults.client import Client, Leaves, Refused
from tests.faults.firms import Manager
from tests.faults.history import Kind

NOBODYS_NUMBERS = (9_000_000, 9_999_999)
LOOK_EVERY = 0.3
TWO_DECIDE = 0.3
"""How often two decide the same request at the same moment, one for and one against it."""

LAPSES = 0.2
"""How often nobody decides, and the request's last day passes."""

AGAINST = {"proposed_relation": "not_our_provider", "proposed_end": "still_our_provider"}
"""Kind of request → a reason for a no."""


@dataclass(frozen=True)
class Asker:
    """A firm that asks an employer, of whom only the number is known. `employer` has joined, or is None."""

    client: Client
    manager: Manager
    number: str
    employer: Someone | None

    async def live(self) -> None:
        """Propose the relation, then ask for its end, over and over; now and then ask a number that is nobody's."""
        try:
            await self.manager.at_work.wait()
            while True:
                await self.client.rest(self.client.chance.uniform(0.5, 2.5))
                with contextlib.suppress(Refused):  # as when the same waits already
                    await self._ask()
        except Leaves:
            return

    async def _ask(self) -> None:
        if self.client.chance.random() < 0.2:
            await self._propose(str(self.client.chance.randint(*NOBODYS_NUMBERS)))
        elif relation := await self._relation():
            await self._decided("proposed_end", await self._ask_for_the_end(relation))
        else:
            await self._decided("proposed_relation", await self._propose(self.number))

    async def _propose(self, number: str) -> str:
        body = {
            "other": {"kind": "employer", "number": number},
            "type": "accounting_firm",
            "subjects": [{"subject": "monthly_report", "level": "write"}, {"subject": "profile", "level": "read"}],
            "attestations": self.manager.ticked["representation"],
        }
        asked = {"organization_id": self.manager.firm_id, "number": number}
        path = f"/v1/organizations/{self.manager.firm_id}/relations"
        return await self._asks(Kind.PROPOSE, path, asked, body)

    async def _ask_for_the_end(self, relation_id: str) -> str:
        body = {"attestations": self.manager.ticked["representation_end"]}
        asked = {"organization_id": self.manager.firm_id, "relation_id": relation_id}
        return await self._asks(Kind.PROPOSE_END, f"/v1/relations/{relation_id}/end", asked, body)

    async def _asks(self, kind: Kind, path: str, asked: dict[str, str], body: dict[str, Any]) -> str:
        given = await self.client.command(
            kind, self.manager.someone, "authorizations", "POST", path, asked=asked, json=body, keyed=True
        )
        return str(given.made["request_id"])

    async def _relation(self) -> str | None:
        """The relation in force by which the firm acts for the employer."""
        path = f"/v1/organizations/{self.manager.firm_id}/relations?active=true"
        found = await self.client.look(self.manager.someone, "authorizations", path)
        known = (self.manager.firm_id, self.manager.client_id)
        others = (row for row in found["items"] if row["organization"]["organization_id"] not in known)
        return next((str(row["relation_id"]) for row in others), None)

    async def _decided(self, kind: str, request_id: str) -> None:
        """By the employer or an agent, or by both at once; a worker must have told whose number it is before."""
        chance, path = self.client.chance, f"/v1/requests/{request_id}"
        agent = self.manager.agent
        seen, version = await self.client.opened(agent, "authorizations", path)
        while seen["organization"] is None:
            await self.client.rest(LOOK_EVERY)
            seen, version = await self.client.opened(agent, "authorizations", path)
        if chance.random() < LAPSES:
            await self._lapses(request_id)
            return
        deciders = [agent] if self.employer is None else [chance.choice((agent, self.employer))]
        if chance.random() < TWO_DECIDE:
            deciders = [agent, self.employer or agent]
        approve, reject = {"outcome": "approve"}, {"outcome": "reject", "reason": AGAINST[kind]}
        first = chance.choices((approve, reject), (3, 1))[0]
        outcomes = [first, reject if first is approve else approve]
        await asyncio.gather(
            *(
                self._decides(decider, request_id, version, outcome)
                for decider, outcome in zip(deciders, outcomes, strict=False)
            )
        )

    async def _lapses(self, request_id: str) -> None:
        """Nobody decides, and a worker finds out; only then may the same be asked again."""
        let = partial(self.client.ground.let_lapse, request_id)
        await self.client.let_pass(Kind.LAPSE, {"request_id": request_id}, let)
        while not (await self.client.look(self.manager.agent, "authorizations", f"/v1/requests/{request_id}"))[
            "settled_at"
        ]:
            await self.client.rest(LOOK_EVERY)

    async def _decides(self, decider: Someone, request_id: str, version: str, body: dict[str, str]) -> None:
        try:
            await self.client.command(
                Kind.DECIDE, decider, "authorizations", "POST", f"/v1/requests/{request_id}/decision",
                asked={"request_id": request_id, "outcome": body["outcome"]}, json=body, version=version,
                done_before=("request_not_pending",),
            )  # fmt: skip
        except Refused as refused:
            if refused.command.problem not in ("request_not_pending", "precondition_failed"):
                raise
