"""“Pour protéger l’utilisateur, nous désactiverons son compte”: a report, an agent, and the way back."""

from typing import Any

from local.journeys.account import ASKED_OF_EACH, refused_everywhere
from local.journeys.portal import Someone, code_in, now
from local.journeys.ramq.processing import TEMPORARY_PASSWORD, first_sign_in
from local.journeys.ramq.stage import Journey

REASON = "shared_credentials"


async def deactivate(journey: Journey, who: Someone, delegate: Someone, mandate_id: str) -> None:
    """The professional reports it, an agent closes the account: it ends everywhere, and both are told."""
    told, portal = journey.told, journey.portal
    told.step(
        "Nous désactiverons son compte si nous constatons qu’une autre personne utilise ses éléments d’identification",
        "The professional says that somebody else seems to use them; an agent looks, and closes the account.",
    )
    report = {"mandate_id": mandate_id, "reason": REASON}
    await portal.call(who, "authorizations", "POST", "/v1/reports", json=report, expect=201)
    agent = await portal.agent()
    queue = await portal.call(agent, "authorizations", "GET", "/v1/requests?kind=review", expect=200)
    (review,) = (one for one in queue["items"] if delegate.account_id in str(one))
    told.holds(REASON in str(review), "an agent has it to review, with what was said")
    delegate.after = ""
    for service, route in ASKED_OF_EACH.items():
        await portal.call(delegate, service, "GET", route, expect=200)
    since = now()
    path = f"/v1/accounts/{delegate.account_id}/deactivation"
    await portal.call(agent, "accounts", "POST", path, json={"reason": "misuse"}, expect=200)
    for service, took in (await refused_everywhere(portal, delegate)).items():
        told.arrived(f"accounts → {service}: the token is refused there", took)
    told.holds(True, "all four gateways refuse what the account was signed in with")
    for one in (who, delegate):
        await portal.mail(one.email, since, "the news that the account is closed")
    told.holds(True, "both are told")


async def let_in_again(journey: Journey, who: Someone, delegate: Someone, user_name: str) -> None:
    """After a talk: a new secret, for its person alone."""
    told, portal = journey.told, journey.portal
    told.step("(silent) Le retour", "After a talk an agent opens the account again, with another temporary password.")
    agent, since = await portal.agent(), now()
    path = f"/v1/accounts/{delegate.account_id}/reactivation"
    await portal.call(agent, "accounts", "POST", path, json={"reason": "settled"}, expect=200)
    mail = await portal.mail(delegate.email, since, "another temporary password", TEMPORARY_PASSWORD)
    temporary = code_in(mail, TEMPORARY_PASSWORD)
    delegate.access_token = ""
    old: dict[str, Any] = {"login": user_name, "password": delegate.password}
    refused = await portal.call(delegate, "accounts", "POST", "/v1/sessions", json=old, expect=401)
    told.holds(refused["code"] == "sign_in_refused", "the password of before no longer works")
    delegate.password = f"{delegate.password}, bis"
    await first_sign_in(journey, delegate, user_name, temporary)
    query = {"to": who.email, "since": since.isoformat()}
    mails = (await portal.http.get(f"{portal.platform.inbox}/mails", params=query)).json()
    told.holds(
        not [one for one in mails if temporary in one["text"]], "and the professional is not sent the new secret"
    )
