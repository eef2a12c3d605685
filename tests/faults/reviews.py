"""What agents look at: a link that two accounts want, and somebody who may be known elsewhere."""

from dataclasses import dataclass
from typing import Any

from local.journeys.portal import Someone
from tests.faults.client import LOOK_EVERY, Client, Leaves, Refused
from tests.faults.history import Kind

DONE_BEFORE = ("request_not_pending", "request_not_returned", "precondition_failed")


@dataclass(frozen=True)
class Review:
    """A request about somebody whom a manager wants to add by the form `body`, and the agent who looks at it."""

    client: Client
    agent: Someone
    manager: Someone
    request_id: str
    body: dict[str, Any]

    @property
    def _path(self) -> str:
        return f"/v1/requests/{self.request_id}"

    async def live(self) -> None:
        """Returned now and then, and submitted again as it was; then merged with who has the number, or not."""
        try:
            await self.client.rest(self.client.chance.uniform(0.2, 2.0))
            if self.client.chance.random() < 0.5:
                asked = {"request_id": self.request_id}
                reason = {"outcome": "return", "reason": "information_to_correct"}
                await self._give(Kind.RETURN, self.agent, "decision", asked, reason)
                form = {name: self.body[name] for name in ("contact", "ends_on", "subjects", "attestations")}
                await self._give(Kind.SUBMIT_AGAIN, self.manager, "submission", asked, form)
            review, _ = await self.client.opened(self.agent, "authorizations", self._path)
            outcomes: list[dict[str, str]] = [{"outcome": "approve"}, {"outcome": "reject", "reason": "another_person"}]
            for candidate in review["asked"]["candidates"][:1]:
                outcomes += [{"outcome": "merge", "contact_id": candidate["contact_id"]}] * 2
            await decides(self.client, self.agent, self.request_id, self.client.chance.choice(outcomes))
        except Leaves:
            return

    async def _give(self, kind: Kind, who: Someone, what: str, asked: dict[str, str], body: dict[str, Any]) -> None:
        _, version = await self.client.opened(who, "authorizations", self._path)
        await self.client.command(
            kind, who, "authorizations", "POST", f"{self._path}/{what}",
            asked=asked, json=body, version=version, done_before=DONE_BEFORE,
        )  # fmt: skip


async def ends_contest(client: Client, agent: Someone, comer: Someone, contact_id: str) -> bool:
    """An agent finds the review of a contested link and decides. Whether the link that stood has ended."""
    while True:
        waiting = await client.look(agent, "authorizations", "/v1/requests?kind=review&limit=200")
        for review in waiting["items"]:
            told = review["asked"]["contested"] if review["reason"] == "contested" else None
            if told and (told["contact_id"], told["account"]["account_id"]) == (contact_id, comer.account_id):
                reject = {"outcome": "reject", "reason": "link_stays"}
                approve = {"outcome": "approve", "link_id": told["link"]["link_id"]}
                body = client.chance.choices((approve, reject), (2, 1))[0]
                return await decides(client, agent, review["request_id"], body) and body is not reject
        await client.rest(LOOK_EVERY)


async def decides(client: Client, agent: Someone, request_id: str, body: dict[str, str]) -> bool:
    """Decide a review. Whether it could be: what an approval would bring may stand already, or be over."""
    path = f"/v1/requests/{request_id}"
    _, version = await client.opened(agent, "authorizations", path)
    try:
        await client.command(
            Kind.DECIDE, agent, "authorizations", "POST", f"{path}/decision",
            asked={"request_id": request_id, "outcome": body["outcome"]}, json=body, version=version,
            done_before=("request_not_pending",),
        )  # fmt: skip
    except Refused as refused:
        if refused.command.problem not in ("already_held", "no_link_in_the_way"):
            raise
        return False
    return True
