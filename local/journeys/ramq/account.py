"""How a professional comes to an account and links it to the practice: before the guide begins."""

import re
from typing import Any

from local.journeys.account import open_by_code
from local.journeys.playing import since_then
from local.journeys.portal import LINKING_CODE, Someone, code_in, now
from local.journeys.ramq.stage import FORMER_CREDENTIAL, Journey, Practice

PROFESSIONALS_NUMBER = re.compile(r"(?:Numéro de professionnel|Professional’s number)\s*:\s*(\d+)")


async def find(journey: Journey, agent: Someone, practice: Practice) -> str:
    """The practice's organization_id, as an agent finds it by its number."""
    path = f"/v1/organizations?number={practice.number}"
    found = await journey.portal.call(agent, "authorizations", "GET", path, expect=200)
    organization_id: str = found["items"][0]["organization_id"]
    journey.ids[practice.number] = organization_id
    return organization_id


async def link_by_number(journey: Journey, who: Someone, practice: Practice) -> None:
    """The professional's number and a code by mail."""
    told, portal = journey.told, journey.portal
    told.step(
        "Se connecter | Le numéro de professionnel et un code",
        f"An agent has a code sent to {who.given_name} {who.family_name}, who opens an account and links it.",
    )
    agent = await portal.agent()
    organization_id = await find(journey, agent, practice)
    since = now()
    batch = {"organization_ids": [organization_id], "functions": [practice.profession]}
    await portal.call(agent, "authorizations", "POST", "/v1/linking-code-batches", json=batch, expect=202)
    mail = await portal.mail(who.email, since, "the mail with the code", LINKING_CODE)
    number, code = code_in(mail, PROFESSIONALS_NUMBER), code_in(mail, LINKING_CODE)
    await open_by_code(journey, who)
    methods = await portal.call(who, "linking", "GET", "/v1/linking-methods", expect=200)
    method = methods["items"][0]
    told.shows(*(f"{field['label']} – {field['help']}" for field in method["fields"]))
    body = {"method": method["code"], "client_number": number, "linking_code": code}
    wrong = body | {"linking_code": code[:-1] + ("0" if code[-1] != "0" else "1")}
    refused = await portal.call(who, "linking", "POST", "/v1/links", json=wrong, expect=422)
    told.shows(refused["detail"])
    told.holds(refused["code"] == "link_refused", "a wrong code is refused, and says no more")
    since = now()
    linked = await portal.call(who, "linking", "POST", "/v1/links", json=body, expect=201)
    told.shows(linked["message"])
    await portal.mail(who.email, since, "the confirmation of the link")
    who.profile = linked["profile"]["contact_id"]
    await portal.call(who, "authorizations", "GET", "/v1/authorized-files", expect=200)
    told.arrived("linking → authorizations: the practice can be acted for", since_then(since))
    told.holds(linked["profile"]["organization"]["number"] == practice.number, "the account is linked to the practice")


async def link_by_former_credential(journey: Journey, who: Someone, practice: Practice) -> None:
    """The user name and password of the old online services, once."""
    told, portal = journey.told, journey.portal
    told.step(
        "Se connecter | Les anciens identifiants",
        f"{who.given_name} {who.family_name} opens an account and links it with a sign-in of the old online services.",
    )
    await find(journey, await portal.agent(), practice)
    await open_by_code(journey, who)
    user_name, password = FORMER_CREDENTIAL
    body: dict[str, Any] = {"method": "former_credential", "user_name": user_name, "password": password}
    since = now()
    linked = await portal.call(who, "linking", "POST", "/v1/links", json=body, expect=201)
    told.shows(linked["message"])
    await portal.mail(who.email, since, "the confirmation of the link")
    who.profile = linked["profile"]["contact_id"]
    again = await portal.call(who, "linking", "POST", "/v1/links", json=body, expect=422)
    told.holds(again["code"] == "link_refused", "a former credential is good once")
