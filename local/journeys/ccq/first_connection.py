"""The launch mail, and steps 1 and 2: an account, and its link to the firm's file."""

import json
from typing import Any

from contracts.agency import load
from local.journeys.account import open_by_code, register
from local.journeys.ccq.stage import FIRM_NUMBER, FORMER_CREDENTIAL, NOT_DELEGABLE, Journey, responsible
from local.journeys.narrator import PromiseBroken
from local.journeys.playing import signed_in, since_then
from local.journeys.portal import CLIENT_NUMBER, LINKING_CODE, ONE_TIME_CODE, Someone, code_in, now

WRONG_CODE = "000000"

LAUNCH = "launch_of_services"
LAUNCH_MAIL = {
    "fr": ("Les dates importantes", "Vos premiers pas", "Les étapes pour vos membres"),
    "en": ("Important dates", "Your first steps", "Steps for your members"),
}
"""What the guide says the explanatory mail holds, beside the coordinates."""


async def receive_coordinates(journey: Journey) -> None:
    """The launch mail: an agent's batch issues coordinates to the firm's responsible person.

    Once the launch of the data is over, an ordinary mail with coordinates.
    """
    told, portal = journey.told, journey.portal
    told.step(
        "Avant le lancement | Réception du courriel explicatif",
        "An agent of the agency finds the firm by its number and sends linking coordinates to its responsible persons.",
    )
    agent = await portal.agent()
    path = f"/v1/organizations?number={FIRM_NUMBER}"
    found = await portal.call(agent, "authorizations", "GET", path, expect=200)
    journey.firm_id = found["items"][0]["organization_id"]
    told.shows(f"{found['items'][0]['legal_name']} ({found['items'][0]['kind_name']})")
    since = now()
    batch: dict[str, Any] = {"organization_ids": [journey.firm_id], "functions": ["responsible_person"]}
    agency = load(portal.platform.agency_folder)
    launch = agency.campaigns[LAUNCH]
    if goes_on := launch.is_open(since.astimezone(agency.profile.zone).date()):
        batch["campaign"] = launch.code
    made = await portal.call(agent, "authorizations", "POST", "/v1/linking-code-batches", json=batch, expect=202)
    mail = await portal.mail(responsible().email, since, "the mail with linking coordinates", LINKING_CODE)
    told.shows(*mail["text"].strip().splitlines()[:24], "…")

    async def issued() -> bool:
        batch_path = f"/v1/linking-code-batches/{made['batch_id']}"
        answer = await portal.http.get(portal.platform.gateway("authorizations") + batch_path, headers=agent.headers)
        return bool(answer.json()["issued"] == answer.json()["requested"] == 1)

    await portal.until(issued, "the batch's progress")
    told.arrived("linking → authorizations: the batch counts 1 of 1 codes issued", since_then(since))
    told.holds(LINKING_CODE.search(mail["text"]), "the mail shows client number and linking code")
    if goes_on:
        told.holds(
            all(part in mail["text"] for part in LAUNCH_MAIL[portal.agent_reads]),
            "the first steps, those for members, the dates that matter",
        )


async def create_account(journey: Journey, who: Someone) -> None:
    """Step 1, with what a wrong code and a repeated registration meet."""
    told, portal = journey.told, journey.portal
    told.step(
        "Étape 1 | Créer un compte utilisateur",
        f"{who.given_name} {who.family_name} reads the terms, registers, receives a one-time code and verifies it.",
    )
    notice = await portal.call(who, "accounts", "GET", "/v1/registration-notice", expect=200)
    told.shows(*(f"{door['name']} – {door['for_whom']}" for door in notice["doors"]))
    terms = await portal.call(who, "accounts", "GET", "/v1/terms", expect=200)
    path, other = "/v1/terms", {"Accept-Language": "en" if who.language == "fr" else "fr"}
    translated = await portal.call(who, "accounts", "GET", path, headers=other, expect=200)
    told.holds(
        terms["version"] == translated["version"] == notice["terms_version"] and terms["text"] != translated["text"],
        "the terms in force are there to be read, in both languages",
    )
    since = now()
    registration = await register(journey, who, terms["version"])
    mail = await portal.mail(who.email, since, "the one-time code", ONE_TIME_CODE)
    code = code_in(mail, ONE_TIME_CODE)
    told.shows(f"the code in the mail: {code[:3]} {code[3:]}")
    path = f"/v1/registrations/{registration['registration_id']}/verification"
    wrong = WRONG_CODE if code != WRONG_CODE else "111111"
    refused = await portal.call(who, "accounts", "POST", path, json={"code": wrong}, expect=422)
    told.shows(refused["detail"])
    told.holds(refused["code"] == "code_refused", "a wrong code is refused, and counted")
    opened = await portal.call(who, "accounts", "POST", path, json={"code": code}, expect=201)
    signed_in(who, opened)
    spent = await portal.call(who, "accounts", "POST", path, json={"code": code}, expect=422)
    told.holds(spent["code"] == refused["code"], "a code is good once")
    path = f"/v1/deliveries/{registration['delivery_handle']}"

    async def noted() -> bool:
        """A moment after the mail host has taken it, which is when it is in the inbox."""
        return bool((await portal.answer(who, "notifications", "GET", path)).json().get("status") == "sent")

    await portal.until(noted, "the note that the mail was sent")
    delivery = await portal.call(who, "notifications", "GET", path, expect=200)
    told.holds(delivery["status"] == "sent", "the portal can tell where the mail is")

    since = now()
    again = await register(journey, who, terms["version"])
    mail = await portal.mail(who.email, since, "what a repeated registration gets")
    told.holds(
        again.keys() == registration.keys() and ONE_TIME_CODE.search(mail["text"]) is None,
        "registering a known address looks the same from outside; its owner is told",
    )


async def coordinates_of(journey: Journey, who: Someone) -> tuple[str, str]:
    """Client number and linking code, read from the newest mail that shows a linking code."""
    found = await journey.portal.http.get(f"{journey.portal.platform.inbox}/mails", params={"to": who.email})
    mail = next((mail for mail in reversed(found.json()) if LINKING_CODE.search(mail["text"])), None)
    if mail is None:
        raise PromiseBroken(f"no mail with linking coordinates came to {who.email}")
    return code_in(mail, CLIENT_NUMBER), code_in(mail, LINKING_CODE)


async def link(journey: Journey, who: Someone, coordinates: tuple[str, str]) -> None:
    """Step 2."""
    told, portal = journey.told, journey.portal
    told.step(
        "Étape 2 | Lier mon compte à mon dossier",
        "“Utiliser des coordonnées de liaison”: client number and linking code, then “Lier”.",
    )
    methods = await portal.call(who, "linking", "GET", "/v1/linking-methods", expect=200)
    told.shows(*(f"{method['name']}" for method in methods["items"]))
    number, code = coordinates
    body = {"method": "linking_coordinates", "client_number": number, "linking_code": code}
    wrong = body | {"linking_code": code[:-1] + ("0" if code[-1] != "0" else "1")}
    refused = await portal.call(who, "linking", "POST", "/v1/links", json=wrong, expect=422)
    told.shows(refused["detail"])
    since = now()
    linked = await portal.call(who, "linking", "POST", "/v1/links", json=body, expect=201)
    told.shows(linked["message"])
    await portal.mail(who.email, since, "the confirmation of the link")
    profiles = await portal.call(who, "linking", "GET", "/v1/profiles", expect=200)
    profile = profiles["items"][0]
    who.profile = profile["contact_id"]
    told.shows(f"profile: {profile['organization']['name']} ({profile['organization']['number']})")
    told.holds(profiles["total"] == 1, "the profile stands in the list and is chosen by Mandat-Profile")
    path = "/v1/authorized-files"
    await portal.call(who, "authorizations", "GET", path, expect=200)
    told.arrived(
        "linking → authorizations: the next call that carries Mandat-After knows the profile", since_then(since)
    )


async def link_an_employers_file(journey: Journey, who: Someone) -> None:
    """Step 2, the note: the three services that cannot be delegated want the employer's own contact."""
    told, portal = journey.told, journey.portal
    told.step(
        "Étape 2 | Lier mon dossier de contact d’un employeur",
        "“Utiliser mes anciens identifiants”: the user name and password of the old online services, once.",
    )
    user_name, password = FORMER_CREDENTIAL
    body = {"method": "former_credential", "user_name": user_name, "password": password}
    wrong = body | {"password": "pas le bon"}
    refused = await portal.call(who, "linking", "POST", "/v1/links", json=wrong, expect=422)
    told.shows(refused["detail"])
    since = now()
    linked = await portal.call(who, "linking", "POST", "/v1/links", json=body, expect=201)
    told.shows(linked["message"])
    await portal.mail(who.email, since, "the confirmation of the link")
    again = await portal.call(who, "linking", "POST", "/v1/links", json=body, expect=422)
    told.holds(again["code"] == refused["code"], "a former credential is good once")
    employers_contact = {"Mandat-Profile": linked["profile"]["contact_id"]}
    path = "/v1/authorized-files"
    files = await portal.call(who, "authorizations", "GET", path, headers=employers_contact, expect=200)
    shown = json.dumps(files)
    told.holds(
        all(f'"{subject}"' in shown for subject in NOT_DELEGABLE),
        "as the employer's own contact, the person has the three services",
    )


async def join(journey: Journey, who: Someone) -> Any:
    """Steps 1 and 2 for somebody who has received coordinates. Returns the profile."""
    coordinates = await coordinates_of(journey, who)
    await open_by_code(journey, who)
    profile = await redeem(journey, who, coordinates)
    who.profile = profile["contact_id"]
    # The portal's next page. From here on authorizations knows the account; before, it tells that person of no request.
    await journey.portal.call(who, "authorizations", "GET", "/v1/authorized-files", expect=200)
    return profile


async def redeem(journey: Journey, who: Someone, coordinates: tuple[str, str]) -> Any:
    """“Lier”, with the confirmation by mail. Returns the profile."""
    portal = journey.portal
    body = {"method": "linking_coordinates", "client_number": coordinates[0], "linking_code": coordinates[1]}
    since = now()
    linked = await portal.call(who, "linking", "POST", "/v1/links", json=body, expect=201)
    journey.told.shows(linked["message"])
    await portal.mail(who.email, since, "the confirmation of the link")
    return linked["profile"]
