"""The CCQ guide for the person responsible for an accounting firm, steps 1 to 5, for LAFORCE COMPTABLE INC."""

import json
import time
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import httpx

from contracts.topics import Kind
from local.journeys import trail
from local.journeys.narrator import Narrator, PromiseBroken
from local.journeys.portal import CLIENT_NUMBER, LINKING_CODE, ONE_TIME_CODE, Portal, Someone, code_in, now
from local.stack import Stack

FIRM_NUMBER = "5000001"
CLIENT = "ENTREPRISE SHW INC."
NOT_DELEGABLE = {
    "workforce_management": "Gestion de main-d’œuvre",
    "site_identification": "Identification de chantier",
    "status_letter": "Lettre d’état de situation",
}
WRONG_CODE = "000000"


def responsible() -> Someone:
    """The firm's responsible person, whose address the agency holds (agencies/ccq/demo)."""
    return Someone("responsable@laforce.example", "quatre mésanges au verger", "Démo", "Responsable", "fr")


def new_member() -> Someone:
    """A staff member whom the agency does not know yet."""
    return Someone("nouvelle.personne@laforce.example", "seven quiet herons by the lake", "Demo", "Newcomer", "en")


@dataclass
class Journey:
    """One playing of the guide."""

    portal: Portal
    told: Narrator
    firm_id: str = ""
    client_id: str = ""


async def play(stack: Stack, narrator: Narrator) -> None:
    """Play steps 1 to 5. Raises PromiseBroken at the first thing that does not hold."""
    async with httpx.AsyncClient(timeout=20) as http:
        journey = Journey(Portal(stack, narrator, http), narrator)
        manager, member = responsible(), new_member()
        await receive_coordinates(journey)
        await create_account(journey, manager)
        await sign_out_and_in(journey, manager)
        await link(journey, manager, await coordinates_of(journey, manager))
        await read_the_lists(journey, manager)
        contact = await add_member(journey, manager, member)
        await member_joins(journey, manager, member, contact)
        relation = await delegate(journey, manager, member)
        await check(journey, member)
        await remove(journey, manager, member, relation)
        await tell_the_trail(journey, manager, member)


async def receive_coordinates(journey: Journey) -> None:
    """The launch mail: an agent's batch issues coordinates to the firm's responsible person."""
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
    batch = {"organization_ids": [journey.firm_id], "functions": ["responsible_person"]}
    made = await portal.call(agent, "authorizations", "POST", "/v1/linking-code-batches", json=batch, expect=202)
    mail = await portal.mail(responsible().email, since, "the mail with linking coordinates")
    told.shows(*mail["text"].strip().splitlines()[:12], "…")

    async def issued() -> bool:
        batch_path = f"/v1/linking-code-batches/{made['batch_id']}"
        answer = await portal.http.get(
            portal.stack.gateway("authorizations") + batch_path, headers=agent.headers
        )
        return bool(answer.json()["issued"] == answer.json()["requested"] == 1)

    await portal.until(issued, "the batch's progress")
    told.arrived("linking → authorizations: the batch counts 1 of 1 codes issued", _since(since))
    told.holds(LINKING_CODE.search(mail["text"]), "the mail shows client number and linking code")


async def create_account(journey: Journey, who: Someone) -> None:
    """Step 1, with what a wrong code and a repeated registration meet."""
    told, portal = journey.told, journey.portal
    told.step(
        "Étape 1 | Créer un compte utilisateur",
        f"{who.given_name} {who.family_name} reads the terms, registers, receives a one-time code and verifies it.",
    )
    terms = await portal.call(who, "accounts", "GET", "/v1/terms", expect=200)
    since = now()
    registration = await register(journey, who, terms["version"])
    mail = await portal.mail(who.email, since, "the one-time code")
    code = code_in(mail, ONE_TIME_CODE)
    told.shows(f"the code in the mail: {code[:3]} {code[3:]}")
    path = f"/v1/registrations/{registration['registration_id']}/verification"
    wrong = WRONG_CODE if code != WRONG_CODE else "111111"
    refused = await portal.call(who, "accounts", "POST", path, json={"code": wrong}, expect=422)
    told.shows(refused["detail"])
    told.holds(refused["code"] == "code_refused", "a wrong code is refused, and counted")
    opened = await portal.call(who, "accounts", "POST", path, json={"code": code}, expect=201)
    _signed_in(who, opened)
    spent = await portal.call(who, "accounts", "POST", path, json={"code": code}, expect=422)
    told.holds(spent["code"] == refused["code"], "a code is good once")
    delivery = await portal.call(
        who, "notifications", "GET", f"/v1/deliveries/{registration['delivery_handle']}", expect=200
    )
    told.holds(delivery["status"] == "sent", "the portal can tell where the mail is")

    since = now()
    again = await register(journey, who, terms["version"])
    mail = await portal.mail(who.email, since, "what a repeated registration gets")
    told.holds(
        again.keys() == registration.keys() and ONE_TIME_CODE.search(mail["text"]) is None,
        "registering a known address looks the same from outside; its owner is told",
    )


async def register(journey: Journey, who: Someone, terms_version: str) -> Any:
    """One registration."""
    body = {
        "email": who.email,
        "password": who.password,
        "given_name": who.given_name,
        "family_name": who.family_name,
        "language": who.language,
        "terms_version": terms_version,
    }
    made = await journey.portal.call(who, "accounts", "POST", "/v1/registrations", json=body, expect=202)
    who.registrations.append(made["registration_id"])
    return made


async def sign_out_and_in(journey: Journey, who: Someone) -> None:
    """A session ends everywhere at once."""
    told, portal = journey.told, journey.portal
    told.step("Étape 1 | Se connecter", "Signs out, and the token is worthless in every service; signs in again.")
    sessions = await portal.call(who, "accounts", "GET", "/v1/sessions", expect=200)
    session_id = sessions["items"][0]["session_id"]
    since = now()
    await portal.call(who, "accounts", "DELETE", f"/v1/sessions/{session_id}", expect=204)
    refused = await portal.call(who, "accounts", "GET", "/v1/account", expect=401)
    told.holds(refused["code"] == "not_authenticated", "the next call with the old token is refused")

    async def refused_elsewhere() -> bool:
        answer = await portal.http.get(f"{portal.stack.gateway('linking')}/v1/profiles", headers=who.headers)
        return answer.status_code == 401

    await portal.until(refused_elsewhere, "the end of the session in linking")
    told.arrived("accounts → linking: the session is over there too", _since(since))
    who.access_token = ""
    body = {"login": who.email, "password": who.password}
    _signed_in(who, await portal.call(who, "accounts", "POST", "/v1/sessions", json=body, expect=200))
    told.holds(who.access_token, "signed in again")


async def coordinates_of(journey: Journey, who: Someone) -> tuple[str, str]:
    """Client number and linking code, read from the newest mail that shows a linking code."""
    found = await journey.portal.http.get(f"{journey.portal.stack.inbox}/mails", params={"to": who.email})
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
    told.arrived("linking → authorizations: the next call that carries Mandat-After knows the profile", _since(since))


async def read_the_lists(journey: Journey, who: Someone) -> None:
    """Step 3: the three lists with the guide's columns, and one contact opened."""
    told, portal = journey.told, journey.portal
    told.step(
        "Étape 3 | Accéder à la liste des membres de mon organisation et valider les informations",
        "“Contacts”, “Relations” and “Autorisations” of the organization, as they are at this moment.",
    )
    base = f"/v1/organizations/{journey.firm_id}"
    contacts = await portal.call(who, "authorizations", "GET", f"{base}/contacts", expect=200)
    for row in contacts["items"]:
        phones = ", ".join(phone["number"] for phone in row["telephones"])
        told.shows(f"{row['family_name']} | {row['given_name']} | {row['email']} | {phones} | {_truth(row['active'])}")
    relations = await portal.call(who, "authorizations", "GET", f"{base}/relations", expect=200)
    for row in relations["items"]:
        told.shows(
            f"{row['organization']['name']} | {row['type_name']} | {row['related_organization']['name']}"
            f" | {_truth(row['active'])}"
        )
    told.holds(relations["range"] == "1–2 de 2", f"the guide's “Rangées 1 - 2 de 2”: {relations['range']}")
    journey.client_id = next(
        row["organization"]["organization_id"] for row in relations["items"] if row["organization"]["name"] == CLIENT
    )
    rights = await portal.call(who, "authorizations", "GET", f"{base}/authorizations?limit=4", expect=200)
    for row in rights["items"]:
        told.shows(
            f"{row['subject_name']} | {row['level_name']} | {row['organization']['name']}"
            f" | {row['holder_organization']['name']} | {_truth(row['active'])}"
        )
    told.holds(all(row["contact"] is None for row in rights["items"]), "the firm's own authorizations come first")
    path = f"{base}/authorizations?contact={who.profile}&active=true"
    own = await portal.call(who, "authorizations", "GET", path, expect=200)
    told.holds(
        own["items"] and all(row["contact"]["contact_id"] == who.profile for row in own["items"]),
        "the filter by contact shows that contact's authorizations only",
    )
    opened = await portal.call(who, "authorizations", "GET", f"/v1/contacts/{who.profile}", expect=200)
    told.shows(
        f"{opened['given_name']} {opened['family_name']}, {opened['client_number']}, {opened['email']}:"
        f" {', '.join(relation['function'] for relation in opened['relations'])}"
    )
    told.holds(opened["linked"], "one contact opened shows its fields, its relations and that an account is linked")


async def add_member(journey: Journey, who: Someone, member: Someone) -> dict[str, Any]:
    """Step 4: "Le contact n'existe pas"."""
    told, portal = journey.told, journey.portal
    told.step(
        "Étape 4 | Ajouter des membres à la liste de contacts",
        "The form “Ajouter une relation ou des sujets autorisés à un contact”, box “Le contact n’existe pas”.",
    )
    addition = await form(journey, who, "addition")
    told.shows(addition["title"], *(f"☑ {statement['text']}" for statement in addition["attestations"]))
    since = now()
    contact: dict[str, Any] = await portal.call(
        who,
        "authorizations",
        "POST",
        f"/v1/organizations/{journey.firm_id}/contacts",
        json={
            "contact": {
                "family_name": member.family_name,
                "given_name": member.given_name,
                "email": member.email,
                "telephones": [{"kind": "mobile", "number": "+15145550177"}],
                "language": member.language,
            },
            "type": "staff_member",
            "ends_on": (date.today() + timedelta(days=365)).isoformat(),
            "subjects": [{"subject": "profile", "level": "read"}],
            "attestations": ticked(addition),
        },
        headers={"Idempotency-Key": f"demo-{time.time_ns()}"},
        expect=201,
    )
    await portal.mail(member.email, since, "the member's coordinates")
    path = f"/v1/organizations/{journey.firm_id}/contacts?active=true"
    listed = await portal.call(who, "authorizations", "GET", path, expect=200)
    told.holds(
        contact["contact_id"] in [row["contact_id"] for row in listed["items"]],
        "the next call that carries Mandat-After sees the new contact",
    )
    return contact


async def member_joins(journey: Journey, who: Someone, member: Someone, contact: dict[str, Any]) -> None:
    """The member registers and links, as step 1 and 2 say."""
    told, portal = journey.told, journey.portal
    told.step("Étape 4 | Le nouveau membre crée son compte et lie son dossier", "In English, as on the contact's file.")
    coordinates = await coordinates_of(journey, member)
    terms = await portal.call(member, "accounts", "GET", "/v1/terms", expect=200)
    since = now()
    registration = await register(journey, member, terms["version"])
    code = code_in(await portal.mail(member.email, since, "the one-time code"), ONE_TIME_CODE)
    path = f"/v1/registrations/{registration['registration_id']}/verification"
    _signed_in(member, await portal.call(member, "accounts", "POST", path, json={"code": code}, expect=201))
    body = {"method": "linking_coordinates", "client_number": coordinates[0], "linking_code": coordinates[1]}
    since = now()
    linked = await portal.call(member, "linking", "POST", "/v1/links", json=body, expect=201)
    told.shows(linked["message"])
    await portal.mail(member.email, since, "the confirmation of the link")
    member.profile = linked["profile"]["contact_id"]
    told.holds(member.profile == contact["contact_id"], "the account is linked to the contact that step 4 added")
    files = await portal.call(member, "authorizations", "GET", "/v1/authorized-files", expect=200)
    told.holds(
        CLIENT not in [file["organization"]["name"] for file in files["items"]],
        "a new member may act for no client yet",
    )
    who.after = member.after


async def delegate(journey: Journey, who: Someone, member: Someone) -> str:
    """Step 5: "Une autre organisation". Returns the delegation's relation_id."""
    told, portal = journey.told, journey.portal
    told.step(
        "Étape 5 | Déléguer des autorisations provenant d’un employeur à un membre",
        f"“Une autre organisation”: whatever the firm holds for {CLIENT} and may delegate.",
    )
    relations = await portal.call(
        who, "authorizations", "GET", f"/v1/organizations/{journey.firm_id}/relations", expect=200
    )
    through = next(row for row in relations["items"] if row["organization"]["organization_id"] == journey.client_id)
    made = await portal.call(
        who,
        "authorizations",
        "POST",
        f"/v1/contacts/{member.profile}/relations",
        json={
            "organization_id": journey.client_id,
            "through": through["relation_id"],
            "subjects": "all",
            "attestations": ticked(await form(journey, who, "addition")),
        },
        expect=201,
    )
    member.after = who.after
    files = await portal.call(member, "authorizations", "GET", "/v1/authorized-files", expect=200)
    file = next((file for file in files["items"] if file["organization"]["name"] == CLIENT), None)
    told.holds(file, f"the member's authorized files show {CLIENT}")
    assert file is not None
    told.shows(*(f"{s['name']} | {s['level_name']} | {s['starts_on']} – {s['ends_on']}" for s in file["subjects"]))
    told.shows(*(f"{absent['name']}: {absent['why']}" for absent in file["absent"][:1]))
    told.holds(
        {absent["subject"] for absent in file["absent"]} == set(NOT_DELEGABLE),
        "the three services that cannot be delegated are absent, each with its reason",
    )
    relation_id: str = made["relation_id"]
    return relation_id


async def check(journey: Journey, member: Someone) -> None:
    """The AuthZEN check: yes, and three readable noes."""
    told = journey.told
    told.step("L’accès, vu par un autre système", "A system of the agency asks the AuthZEN evaluation before it acts.")
    machine = await journey.portal.machine()
    answer = await evaluate(journey, machine, member, "monthly_report")
    told.holds(answer["decision"], "Rapport mensuel, write: yes")
    for subject, name in NOT_DELEGABLE.items():
        answer = await evaluate(journey, machine, member, subject)
        told.shows(answer["context"]["reason"]["fr"])
        told.holds(not answer["decision"], f"{name}: no, with the reason in both languages")


async def remove(journey: Journey, who: Someone, member: Someone, relation_id: str) -> None:
    """Step 5: "Toutes les relations"; the next check says no, and history stays."""
    told, portal = journey.told, journey.portal
    told.step(
        "Étape 5 | Retirer des membres de la liste de contacts de ma firme",
        "“Toutes les relations”: first what would be lost, then the removal itself.",
    )
    machine = await portal.machine()
    removal = await form(journey, who, "removal")
    path = f"/v1/contacts/{member.profile}/removals"
    body = {"scope": "all", "attestations": ticked(removal)}
    preview = await portal.call(who, "authorizations", "POST", path, json=body | {"preview": True}, expect=200)
    told.shows(f"preview: {len(preview['lost'])} rights would be lost")
    removed = await portal.call(who, "authorizations", "POST", path, json=body, expect=200)
    told.holds(removed["lost"] == preview["lost"], "what was lost is what the preview said")
    answer = await evaluate(journey, machine, member, "monthly_report")
    told.shows(answer["context"]["reason"]["fr"], answer["context"]["reason"]["en"])
    told.holds(not answer["decision"], "the very next check says no")
    opened = await portal.call(who, "authorizations", "GET", f"/v1/contacts/{member.profile}", expect=200)
    delegation = next(found for found in opened["relations"] if found["relation_id"] == relation_id)
    told.holds(
        not opened["active"] and not delegation["active"],
        "the contact and its relations are inactive, and history still shows what was",
    )


async def form(journey: Journey, who: Someone, kind: str) -> dict[str, Any]:
    """A form of the catalogue of services."""
    forms = await journey.portal.call(who, "authorizations", "GET", "/v1/forms", expect=200)
    found: dict[str, Any] = next(found for found in forms["items"] if found["kind"] == kind)
    return found


def ticked(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Its attestations, ticked in the version shown."""
    return [{"code": statement["code"], "version": statement["version"]} for statement in found["attestations"]]


async def evaluate(journey: Journey, machine: Someone, member: Someone, subject: str) -> Any:
    """One access question, to be explained."""
    question = {
        "subject": {"type": "account", "id": member.account_id},
        "action": {"name": "write"},
        "resource": {"type": subject, "id": journey.client_id},
        "context": {"explain": True},
    }
    path = "/access/v1/evaluation"
    return await journey.portal.call(machine, "authorizations", "POST", path, json=question, expect=200)


async def tell_the_trail(journey: Journey, who: Someone, member: Someone) -> None:
    """One person's events, from topic to topic."""
    told = journey.told
    told.step(
        "La piste d’une personne",
        "Every event about the new member, on every topic, in the order in which it was written; ids cut short.",
    )
    events = await trail.everything(journey.portal.stack.kafka.servers)
    found = trail.about(events, {member.account_id, member.profile, *member.registrations})
    for event in found:
        told.shows(
            f"{event.time:%H:%M:%S.%f}"[:12]
            + f"  {event.topic.name:<29}{event.name:<24}{event.topic.key} …{event.key[-6:]}"
        )
    names = {event.name for event in found}
    told.holds(
        names >= {"VerificationRequested", "AccountOpened", "ContactAdded", "LinkingCodeIssued", "ProfileLinked",
                  "RelationAdded", "RelationEnded"},
        "each step left its event",
    )  # fmt: skip
    told.holds(
        not any(
            private in json.dumps(event.data, ensure_ascii=False)
            for event in events
            if event.topic.kind is Kind.PUBLIC
            for private in (member.email, member.family_name, who.email)
        ),
        "no public event names a person",
    )


def _signed_in(who: Someone, answer: dict[str, Any]) -> None:
    who.account_id = answer["account_id"]
    who.access_token, who.refresh_token = answer["access_token"], answer["refresh_token"]


def _since(instant: Any) -> float:
    return float((now() - instant).total_seconds() * 1000)


def _truth(active: bool) -> str:
    return "Vrai" if active else "Faux"
