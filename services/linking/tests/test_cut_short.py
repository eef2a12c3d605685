"""Organizations' codes, letters and claims come to the same wherever a worker or a gateway is cut short.

Who was killed after a commit has told nobody: Kafka brings the message again, a portal sends the request again.
"""

from typing import Any
from uuid import UUID, uuid4

from contracts.authorizations import (
    AdministratorAppointed,
    ClaimRefused,
    RequestDecided,
    RequestLapsed,
    RequestSubmitted,
)
from contracts.events import Event
from services.linking.tests.coded import WSSCC, an_employer
from services.linking.tests.conftest import Opening
from services.linking.tests.world import Linking, an_account, changed
from tests.fixtures.cutting import cut_everywhere

NUMBERS = ("1000001", "1000002", "1000003")


class Delivered:
    """Messages that come again from the first on until all were acknowledged."""

    def __init__(self, linking: Linking, *messages: Event) -> None:
        self.linking = linking
        self._messages = [(message, uuid4()) for message in messages]

    async def come(self) -> None:
        for message, event_id in self._messages:
            await self.linking.send(message, event_id=event_id)


async def came_to(delivered: Delivered) -> Any:
    """What was written, told and noted, without the ids that differ from run to run, and without looks: the answer that
    did not come is looked at again."""
    pool = delivered.linking.unit.pool
    queries = (
        "select headers ->> 'ce_type' as what, count(*) from outbox group by 1",
        "select action as what, count(*) from audit where action not like '%_viewed' group by 1",
        "select issue::text || valid::text || letter_due::text || coalesce(ended_by, '') as what, count(*)"
        " from organization_codes group by 1",
        "select coalesce(outcome, decider, 'received') || version::text as what, count(*) from claims group by 1",
        "select 'printed' as what, count(*) from printed_letters",
        "select 'inbox' as what, count(*) from inbox",
    )
    return [sorted(map(tuple, await pool.fetch(query))) for query in queries]


async def test_an_organization_has_one_code_and_one_letter_due_wherever_it_is_cut_short(opening: Opening) -> None:
    async def begin() -> Delivered:
        linking = await opening(WSSCC)
        states = [an_employer(linking, number=number) for number in NUMBERS]
        again = [changed(states[0], code_generation=2), changed(states[1], status="inactive")]
        return Delivered(linking, *states, *again, changed(again[1], status="active"))

    assert await cut_everywhere(begin, Delivered.come, came_to) >= len(NUMBERS) + 3


async def test_a_claim_is_followed_once_wherever_it_is_cut_short(opening: Opening) -> None:
    async def begin() -> Delivered:
        linking = await opening(WSSCC)
        accounts, employer = [an_account() for _ in range(4)], an_employer(linking)
        await linking.send(*accounts, employer)
        claims = [UUID(await _claim(linking, account.account_id, employer.number)) for account in accounts]
        told: list[Event] = []

        def tell(event: type[Event], claim: UUID, **said: Any) -> None:
            number = len(told) + 1
            told.append(event(organization_id=employer.organization_id, sequence=number, claim_id=claim, **said))

        tell(AdministratorAppointed, claims[0], contact_id=uuid4(), relation_id=uuid4())
        tell(ClaimRefused, claims[1], reason="blocked")
        for claim in claims[2:]:
            said = {"kind": "access_request", "decider": "organization", "lapses_on": "2026-12-31"}
            tell(RequestSubmitted, claim, request_id=uuid4(), **said)
        tell(RequestDecided, claims[2], request_id=uuid4(), outcome="approve")
        tell(RequestLapsed, claims[3], request_id=uuid4())
        return Delivered(linking, *told)

    assert await cut_everywhere(begin, Delivered.come, came_to) >= 6


async def test_letters_are_printed_once_wherever_the_gateway_is_cut_short(opening: Opening) -> None:
    async def begin() -> Delivered:
        linking = await opening(WSSCC)
        await linking.send(*(an_employer(linking, number=number) for number in NUMBERS))
        return Delivered(linking)

    async def print_all(delivered: Delivered) -> None:
        linking = delivered.linking
        headers = linking.agent | {"Idempotency-Key": "one-printing"}
        printed = await linking.http.post("/v1/organization-letters", json={}, headers=headers)
        assert (printed.status_code, printed.json()["letters"]) == (201, len(NUMBERS)), printed.text

    assert await cut_everywhere(begin, print_all, came_to) >= 1


async def test_a_code_is_renewed_once_wherever_the_gateway_is_cut_short(opening: Opening) -> None:
    employers: dict[int, UUID] = {}

    async def begin() -> Delivered:
        linking = await opening(WSSCC)
        employer = an_employer(linking)
        await linking.send(employer)
        employers[id(linking)] = employer.organization_id
        return Delivered(linking)

    async def renew(delivered: Delivered) -> None:
        linking = delivered.linking
        path = f"/v1/organization-codes/{employers[id(linking)]}/renewal"
        renewed = await linking.http.post(path, headers=linking.agent | {"Idempotency-Key": "one-renewal"})
        assert renewed.status_code == 201, renewed.text

    assert await cut_everywhere(begin, renew, came_to) >= 1


async def _claim(linking: Linking, account_id: UUID, number: str) -> str:
    body = {
        "method": "organization_code", "organization_name": "Sommer & Sons", "organization_number": number,
        "capacity": "worker",
    }  # fmt: skip
    made = await linking.http.post("/v1/links", json=body, headers=linking.bearer(account_id))
    assert made.status_code == 202, made.text
    return str(made.json()["claim_id"])
