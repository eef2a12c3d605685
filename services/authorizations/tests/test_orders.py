"""Topics are unordered with each other: whatever arrives first, what is known in the end is the same."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

from uuid_utils.compat import uuid7

from contracts.accounts import Person, SessionsRevoked
from contracts.linking import LinkingCodeIssued, ProfileLinked
from services.authorizations.accounts.handlers import end_sessions, follow_account
from services.authorizations.bindings.handlers import follow_link
from services.authorizations.linking_codes.handlers import follow_issue
from services.authorizations.tests.conftest import TEST, Firm
from tests.fixtures.orders import interleavings, known_about

SINCE = datetime(2026, 1, 2, tzinfo=UTC)

OF_THE_CLOCK = frozenset({"recorded", "revoked_at", "issued_at"})


async def added(firm: Firm) -> UUID:
    """A new contact without an account."""
    made = await firm.add_member()
    assert made.status_code == 201, made.text
    return UUID(made.json()["contact_id"])


async def test_an_account_its_sessions_and_its_link_may_be_told_in_any_order(firm: Firm) -> None:
    known = []
    for order in interleavings((0, 1), (2,), (3, 4)):
        contact_id, account_id, session_id, link_id = await added(firm), uuid7(), uuid4(), uuid7()
        run = firm.opened.unit.run

        def person(version: int, epoch: int, account_id: UUID = account_id) -> Person:
            return Person(
                account_id=account_id, version=version, status="active", status_since=SINCE, epoch=epoch,
                email=f"{version}@example.org", given_name="Démo", family_name="Personne", language="fr",
            )  # fmt: skip

        issued = LinkingCodeIssued(
            contact_id=contact_id, organization_id=firm.firm_id, generation=1, delivery_id=uuid7(), expires_at=SINCE
        )
        linked = ProfileLinked(
            link_id=link_id, account_id=account_id, contact_id=contact_id, organization_id=firm.firm_id,
            method="linking_coordinates", linked_at=SINCE,
        )  # fmt: skip
        ended = SessionsRevoked(account_id=account_id, session_id=session_id, epoch=1, reason="signed_out")
        for number in order:
            match number:
                case 0:
                    await run(follow_account, person(1, 0), TEST)
                case 1:
                    await run(follow_account, person(2, 1), TEST)
                case 2:
                    await run(end_sessions, ended, TEST)
                case 3:
                    await run(follow_issue, issued, TEST)
                case 4:
                    await run(follow_link, linked, TEST)
        names = {account_id: "account", session_id: "session", link_id: "link"}
        known.append(await known_about(firm.opened.unit.pool, names, without=OF_THE_CLOCK | {"contact_id"}))
        state = [s for s in await firm.opened.published("Contact") if s["contact_id"] == str(contact_id)][-1]
        assert (state["email"], order) == ("2@example.org", order)
    assert len(known) == 30
    assert all(model == known[0] for model in known)
    tables = {row.split()[0] for row in known[0]}
    assert tables == {"account_versions", "bindings", "epochs", "personal_fields", "revoked_sessions", "statuses"}


async def test_an_account_and_its_link_may_be_told_at_once(firm: Firm) -> None:
    """Neither sees what the other has not committed yet: without a lock, the contact would be told of by neither."""
    contacts = [await added(firm) for _ in range(20)]
    told = []
    for contact_id in contacts:
        account_id = uuid7()
        person = Person(
            account_id=account_id, version=1, status="active", status_since=SINCE, epoch=0,
            email="verified@example.org", given_name="Démo", family_name="Personne", language="fr",
        )  # fmt: skip
        linked = ProfileLinked(
            link_id=uuid7(), account_id=account_id, contact_id=contact_id, organization_id=firm.firm_id,
            method="linking_coordinates", linked_at=SINCE,
        )  # fmt: skip
        told.append(
            asyncio.gather(
                firm.opened.unit.run(follow_link, linked, TEST), firm.opened.unit.run(follow_account, person, TEST)
            )
        )
    await asyncio.gather(*told)
    newest = {state["contact_id"]: state["email"] for state in await firm.opened.published("Contact")}
    assert {newest[str(contact_id)] for contact_id in contacts} == {"verified@example.org"}
