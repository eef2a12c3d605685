"""An agency's portal has several public addresses: mails lead to the one at which their reader began."""

from contracts.accounts import Person
from contracts.notifications import AlreadyRegisteredMail, NoAccountMail, PasswordChangedMail, PasswordResetCodeMail
from services.accounts.tests.conftest import PASSWORD, Accounts

OWN = "worker@aurora.example"


async def test_the_notice_offers_each_address_in_the_callers_language(wsscc: Accounts) -> None:
    notice = (await wsscc.client.get("/v1/registration-notice", headers={"Accept-Language": "fr"})).json()
    assert [(portal["code"], portal["url"]) for portal in notice["portals"]] == [
        ("nt", "https://connect.nt.ca/fr"),
        ("nu", "https://connect.nu.ca/fr"),
    ]


async def test_every_mail_leads_to_where_its_reader_began(wsscc: Accounts) -> None:
    person = await wsscc.opened(OWN, portal="nu")
    await wsscc.register(OWN, portal="nt")  # by somebody else, at the other address
    reset = (await wsscc.post("/v1/password-resets", {"email": OWN})).json()
    body = {"code": await wsscc.last_code(PasswordResetCodeMail), "new_password": f"{PASSWORD} encore"}
    completed = await wsscc.post(f"/v1/password-resets/{reset['reset_id']}/completion", body)
    assert completed.status_code == 204, completed.text
    for kind in (AlreadyRegisteredMail, PasswordResetCodeMail, PasswordChangedMail):
        [(mail, _)] = await wsscc.mailed(kind)
        assert mail.portal == "nu"
    [*_, state] = await wsscc.events(Person)
    assert (state.account_id, state.portal) == (person.account_id, "nu")


async def test_who_names_none_began_at_the_first(wsscc: Accounts) -> None:
    await wsscc.opened(OWN)
    [*_, state] = await wsscc.events(Person)
    assert state.portal is None
    await wsscc.post("/v1/password-resets", {"email": "nobody@aurora.example"})
    [(mail, _)] = await wsscc.mailed(NoAccountMail)
    assert mail.portal is None


async def test_an_address_that_the_agency_does_not_have_is_refused_by_name(wsscc: Accounts) -> None:
    refused = await wsscc.register(OWN, portal="yk")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert refused.json()["fields"] == ["portal"]
