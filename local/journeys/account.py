"""What a person does with an account, whichever agency's guide is played: the steps that the guides share."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from local.journeys.playing import Journey, signed_in, since_then
from local.journeys.portal import ONE_TIME_CODE, Portal, Service, Someone, code_in, now


async def register(
    journey: Journey, who: Someone, terms_version: str, *, portal: str | None = None, fields: Any = None
) -> Any:
    """One registration; `portal` and `fields` where the agency has several addresses, or asks more than a name."""
    body = {
        "email": who.email,
        "password": who.password,
        "given_name": who.given_name,
        "family_name": who.family_name,
        "language": who.language,
        "terms_version": terms_version,
        "portal": portal,
        "fields": fields or {},
    }
    made = await journey.portal.call(who, "accounts", "POST", "/v1/registrations", json=body, expect=202)
    who.registrations.append(made["registration_id"])
    return made


async def open_by_code(journey: Journey, who: Someone) -> None:
    """A registration, confirmed with the code of its mail, where the agency confirms by codes."""
    portal = journey.portal
    terms = await portal.call(who, "accounts", "GET", "/v1/terms", expect=200)
    since = now()
    registration = await register(journey, who, terms["version"])
    code = code_in(await portal.mail(who.email, since, "the one-time code", ONE_TIME_CODE), ONE_TIME_CODE)
    path = f"/v1/registrations/{registration['registration_id']}/verification"
    signed_in(who, await portal.call(who, "accounts", "POST", path, json={"code": code}, expect=201))


async def sign_in(journey: Journey, who: Someone) -> None:
    """A new session."""
    who.access_token = ""
    body = {"login": who.email, "password": who.password}
    signed_in(who, await journey.portal.call(who, "accounts", "POST", "/v1/sessions", json=body, expect=200))


async def sign_out_and_in(journey: Journey, who: Someone, guide: str) -> None:
    """A session ends everywhere at once."""
    told, portal = journey.told, journey.portal
    told.step(guide, "Signs out, and the token is worthless in every service; signs in again.")
    sessions = await portal.call(who, "accounts", "GET", "/v1/sessions", expect=200)
    session_id = sessions["items"][0]["session_id"]
    since = now()
    await portal.call(who, "accounts", "DELETE", f"/v1/sessions/{session_id}", expect=204)
    refused = await portal.call(who, "accounts", "GET", "/v1/account", expect=401)
    told.holds(refused["code"] == "not_authenticated", "the next call with the old token is refused")

    async def refused_elsewhere() -> bool:
        answer = await portal.http.get(f"{portal.platform.gateway('linking')}/v1/profiles", headers=who.headers)
        return answer.status_code == 401

    await portal.until(refused_elsewhere, "the end of the session in linking")
    told.arrived("accounts → linking: the session is over there too", since_then(since))
    await sign_in(journey, who)
    told.holds(who.access_token, "signed in again")


async def forgotten_password(journey: Journey, who: Someone, guide: str) -> None:
    """A new password by a code, and every session ends."""
    told, portal = journey.told, journey.portal
    told.step(guide, "Asks for a new password, chooses it with a code, signs in again.")
    since = now()
    asked = await portal.call(who, "accounts", "POST", "/v1/password-resets", json={"email": who.email}, expect=202)
    code = code_in(
        await portal.mail(who.email, since, "the code to choose a new password", ONE_TIME_CODE), ONE_TIME_CODE
    )
    who.password = f"{who.password}, encore"
    since = now()
    body = {"code": code, "new_password": who.password}
    path = f"/v1/password-resets/{asked['reset_id']}/completion"
    await portal.call(who, "accounts", "POST", path, json=body, expect=204)
    await portal.mail(who.email, since, "the news that the password was changed")
    ended = await portal.call(who, "accounts", "GET", "/v1/account", expect=401)
    told.holds(ended["code"] == "not_authenticated", "every session has ended")
    await sign_in(journey, who)
    told.holds(who.access_token, "signed in with the new password")


ASKED_OF_EACH: Mapping[Service, str] = {
    "accounts": "/v1/account",
    "linking": "/v1/profiles",
    "authorizations": "/v1/own-subjects",
    "notifications": "/v1/deliveries/somebody-elses-handle",
}
"""What each gateway answers to whoever is signed in, whatever they may do."""


async def refused_everywhere(portal: Portal, who: Someone) -> dict[Service, float]:
    """Wait until each of the four gateways refuses the token. By service, the milliseconds from now.

    Raises PromiseBroken when one goes on taking it.
    """
    begun = time.perf_counter()

    async def refused(service: Service) -> float:
        async def looks() -> bool:
            address = portal.platform.gateway(service) + ASKED_OF_EACH[service]
            return (await portal.http.get(address, headers=who.headers)).status_code == 401

        await portal.until(looks, f"the end of the token in {service}")
        return (time.perf_counter() - begun) * 1000

    took = await asyncio.gather(*(refused(service) for service in ASKED_OF_EACH))
    return dict(zip(ASKED_OF_EACH, took, strict=True))


async def closed_by_an_agent(journey: Journey, who: Someone, guide: str) -> None:
    """Somebody else uses the account: an agent closes it, and every service refuses its token and its sessions."""
    told, portal = journey.told, journey.portal
    told.step(guide, f"An agent closes the account of {who.given_name} {who.family_name}, which somebody else used.")
    who.after, agent = "", await portal.agent()
    for service, path in ASKED_OF_EACH.items():
        await portal.call(who, service, "GET", path, expect=200)
    path, since = f"/v1/accounts/{who.account_id}/deactivation", now()
    await portal.call(agent, "accounts", "POST", path, json={"reason": "misuse"}, expect=200)
    for service, took in (await refused_everywhere(portal, who)).items():
        told.arrived(f"accounts → {service}: the token is refused there", took)
    body = {"refresh_token": who.refresh_token}
    ended = await portal.call(who, "accounts", "POST", "/v1/sessions/refresh", json=body, expect=401)
    told.holds(ended["code"] == "session_ended", "nothing goes on in the account, and all four gateways refuse it")
    await portal.mail(who.email, since, "the news that the account is closed")
    again = {"login": who.email, "password": who.password}
    who.access_token = ""
    refused = await portal.call(who, "accounts", "POST", "/v1/sessions", json=again, expect=401)
    told.holds(refused["code"] == "sign_in_refused", "nobody signs in to it")
