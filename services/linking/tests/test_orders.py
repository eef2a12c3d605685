"""Topics are unordered with each other: whatever arrives first, what is known in the end is the same."""

from uuid import uuid4

from contracts.accounts import SessionsRevoked
from contracts.authorizations import FunctionSpan
from contracts.events import Event
from services.linking.tests.world import Linking, a_contact, an_account, an_organization, changed
from tests.fixtures.orders import interleavings, known_about

DRAWN = frozenset({"digest", "issued_at", "expires_at", "revoked_at"})
"""What chance and the clock put into a row."""


async def test_an_accounts_state_and_the_end_of_its_sessions_may_arrive_in_any_order(linking: Linking) -> None:
    known = []
    for order in interleavings((0, 1), (2, 3)):
        account, session_id = an_account(), uuid4()
        ended = {"account_id": account.account_id, "reason": "signed_out"}
        told: list[Event] = [
            account,
            changed(account, epoch=2, given_name="Dominique"),
            SessionsRevoked(session_id=session_id, epoch=1, **ended),
            SessionsRevoked(session_id=None, epoch=3, **ended),
        ]
        await linking.send(*[told[number] for number in order])
        names = {account.account_id: "account", session_id: "session"}
        known.append(await known_about(linking.unit.pool, names, without=DRAWN))
    assert len(known) == 6
    assert all(model == known[0] for model in known)
    assert {row.split()[0] for row in known[0]} == {"accounts", "people", "epochs", "revoked_sessions"}


async def test_an_organization_and_its_contacts_may_arrive_in_any_order(linking: Linking) -> None:
    known = []
    for order in interleavings((0, 1), (2, 3)):
        organization = an_organization(status="inactive")
        contact = a_contact(organization)
        later = (FunctionSpan(type="director", starts_on="2021-01-01"),)
        told: list[Event] = [
            organization,
            changed(organization, status="active", legal_name="LAFORCE ET FILLES INC."),
            contact,
            changed(contact, functions=later, family_name="Gagnon"),
        ]
        await linking.send(*[told[number] for number in order])
        names = {organization.organization_id: "organization", contact.contact_id: "contact"}
        known.append(await known_about(linking.unit.pool, names, without=DRAWN))
        assert len(await linking.coordinates(contact.contact_id)) == 1
    assert len(known) == 6
    assert all(model == known[0] for model in known)
    assert {row.split()[0] for row in known[0]} == {"contacts", "linking_codes", "organizations", "people"}


async def test_a_tombstone_and_what_other_topics_tell_may_arrive_in_any_order(linking: Linking) -> None:
    known = []
    for order in interleavings((0, 1), (2,)):
        account, session_id = an_account(), uuid4()
        for number in order:
            match number:
                case 0:
                    await linking.send(account)
                case 1:
                    await linking.forget(type(account), account.account_id)
                case 2:
                    ended = {"account_id": account.account_id, "reason": "signed_out"}
                    await linking.send(SessionsRevoked(session_id=session_id, epoch=1, **ended))
        names = {account.account_id: "account", session_id: "session"}
        known.append(await known_about(linking.unit.pool, names, without=DRAWN))
    assert all(model == known[0] for model in known)
    assert "Tremblay" not in "".join(known[0])
