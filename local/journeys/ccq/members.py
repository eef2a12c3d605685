"""Steps 4 and 5: a colleague is added, joins, is delegated a client, and loses everything again."""

import time
from datetime import timedelta
from typing import Any

from local.journeys.ccq.first_connection import coordinates_of, register
from local.journeys.ccq.stage import CLIENT, NOT_DELEGABLE, Journey, form, signed_in, ticked
from local.journeys.ccq.views import evaluate
from local.journeys.portal import ONE_TIME_CODE, Someone, code_in, now


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
            "ends_on": (now() + timedelta(days=365)).date().isoformat(),
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
    signed_in(member, await portal.call(member, "accounts", "POST", path, json={"code": code}, expect=201))
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
    told.shows(
        f"preview: {len(preview['lost'])} rights would be lost: the delegated ones, and those in the firm itself"
    )
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
