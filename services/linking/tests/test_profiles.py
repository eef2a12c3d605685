"""Promises about GET /v1/profiles and GET /v1/linking-methods."""

import asyncio
from uuid import UUID, uuid4

import pytest

from chassis import after
from chassis.after import Written
from contracts.authorizations import FunctionSpan
from contracts.events import Span
from services.linking.tests.world import Linking, a_contact, an_account, an_organization, changed
from tests.fixtures.patience import PATIENCE


async def test_profiles_show_organization_number_and_todays_functions_in_the_callers_language(
    linking: Linking,
) -> None:
    laforce, shw = an_organization(), an_organization(legal_name="ENTREPRISE SHW INC.", number="1000001")
    account = an_account()
    functions = (
        FunctionSpan(type="staff_member", starts_on="2020-01-01"),
        FunctionSpan(type="responsible_person", starts_on="2026-12-01"),
        FunctionSpan(type="director", starts_on="2020-01-01", ends_on="2026-11-30"),
        FunctionSpan(type="administrator", starts_on="2026-12-02"),
    )
    manager = a_contact(laforce, functions=functions, manages=(Span(starts_on="2026-12-01", ends_on="2026-12-01"),))
    staff = a_contact(shw, client_number="3000002")
    await linking.send(laforce, shw, account, manager, staff)
    for contact in (manager, staff):
        code = await linking.code(contact.contact_id)
        assert (await linking.redeem(account.account_id, contact.client_number, code)).status_code == 201

    shown = await linking.profiles(account.account_id, **{"Accept-Language": "fr-CA"})
    assert [(p["organization"]["number"], p["organization"]["name"], p["manages"]) for p in shown] == [
        ("1000001", "ENTREPRISE SHW INC.", False),
        ("5000001", "LAFORCE COMPTABLE INC.", True),
    ]
    assert [f["name"] for f in shown[1]["functions"]] == ["Personne responsable", "Membre du personnel"]
    in_english = await linking.profiles(account.account_id, **{"Accept-Language": "en"})
    assert [f["name"] for f in in_english[1]["functions"]] == ["Responsible person", "Staff member"]


async def test_an_account_sees_its_own_profiles_only(linking: Linking) -> None:
    organization, account = an_organization(), an_account()
    contact = a_contact(organization)
    await linking.send(organization, account, contact)
    await linking.redeem(account.account_id, "3000001", await linking.code(contact.contact_id))
    assert len(await linking.profiles(account.account_id)) == 1
    assert await linking.profiles(uuid4()) == []


async def test_a_blocked_contact_stays_a_profile_without_function(linking: Linking) -> None:
    organization, account = an_organization(), an_account()
    contact = a_contact(organization, manages=(Span(starts_on="2020-01-01"),))
    await linking.send(organization, account, contact)
    await linking.redeem(account.account_id, "3000001", await linking.code(contact.contact_id))
    await linking.send(changed(contact, functions=(), manages=()))
    [profile] = await linking.profiles(account.account_id)
    assert (profile["functions"], profile["manages"], profile["active"]) == ([], False, False)


async def test_a_profile_of_an_organization_that_is_no_longer_active_says_so(linking: Linking) -> None:
    organization, account = an_organization(), an_account()
    contact = a_contact(organization)
    await linking.send(organization, account, contact)
    await linking.redeem(account.account_id, "3000001", await linking.code(contact.contact_id))
    assert [profile["active"] for profile in await linking.profiles(account.account_id)] == [True]
    await linking.send(changed(organization, status="inactive"))
    assert [profile["active"] for profile in await linking.profiles(account.account_id)] == [False]


async def test_a_call_with_mandat_after_waits_for_the_account_that_it_names(
    linking: Linking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verification's answer names the account's first state; redeeming with it needs no second try."""
    monkeypatch.setattr(after, "PATIENCE", PATIENCE)
    organization, account = an_organization(), an_account()
    contact = a_contact(organization)
    await linking.send(organization, contact)
    code = await linking.code(contact.contact_id)
    event_id = UUID(int=int(linking.clock.now.timestamp() * 1000) << 80)  # a UUIDv7 of that instant
    named = after.name([Written("accounts.people", account.type_name(), event_id, "key")])
    assert named is not None
    redeeming = asyncio.create_task(linking.redeem(account.account_id, "3000001", code, mandat_after=named))
    await linking.send(account, event_id=event_id)
    assert (await redeeming).status_code == 201


async def test_profiles_want_a_token(linking: Linking) -> None:
    assert (await linking.http.get("/v1/profiles")).status_code == 401


async def test_linking_methods_are_the_agencys_in_the_callers_language(linking: Linking) -> None:
    answer = await linking.http.get("/v1/linking-methods", headers={"Accept-Language": "fr"})
    assert answer.status_code == 200
    method, former = answer.json()["items"]
    assert (method["code"], method["name"]) == ("linking_coordinates", "Utiliser des coordonnées de liaison")
    assert "Courriels indésirables" in method["help"]
    assert [(f["name"], f["label"]) for f in method["fields"]] == [
        ("client_number", "Numéro de client"),
        ("linking_code", "Code de liaison"),
    ]
    assert (former["code"], former["name"]) == ("former_credential", "Utiliser mes anciens identifiants")
    assert [(f["name"], f["label"], f["secret"]) for f in former["fields"]] == [
        ("user_name", "Ancien nom d’utilisateur", False),
        ("password", "Ancien mot de passe", True),
    ]
