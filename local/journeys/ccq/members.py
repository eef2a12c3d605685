"""Steps 4 to 6: a colleague is added, corrected, joins, is delegated a client, and loses everything again."""

import time
from datetime import timedelta
from typing import Any

from local.journeys.asking import evaluate
from local.journeys.ccq.employer import firms_relation
from local.journeys.ccq.first_connection import coordinates_of, join
from local.journeys.ccq.stage import CLIENT, NOT_DELEGABLE, Journey
from local.journeys.playing import form, since_then, ticked
from local.journeys.portal import LINKING_CODE, Someone, now

OTHER_MEMBER = "membre@laforce.example"

LETTER = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\nstartxref\n9\n%%EOF\n"
"""The document that goes with a correction."""


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
    await portal.mail(member.email, since, "the member's coordinates", LINKING_CODE)
    path = f"/v1/organizations/{journey.firm_id}/contacts?active=true"
    listed = await portal.call(who, "authorizations", "GET", path, expect=200)
    told.holds(
        contact["contact_id"] in [row["contact_id"] for row in listed["items"]],
        "the next call that carries Mandat-After sees the new contact",
    )
    return contact


async def correct_member(journey: Journey, who: Someone, member: Someone, contact: dict[str, Any]) -> None:
    """Step 5, and 6 for one person: a corrected file, and in the same form a new code. The first one is dead."""
    told, portal = journey.told, journey.portal
    told.step(
        "Étape 5 | Corriger les informations d’un membre; étape 6 | « Émettre un nouveau code de liaison »",
        "One form with a document corrects the name and the telephone and asks for a new code; one mail tells it and"
        " brings the code.",
    )
    before = await coordinates_of(journey, member)
    path = f"/v1/contacts/{contact['contact_id']}"
    await portal.call(who, "authorizations", "GET", path, expect=200)
    member.given_name = "Demetra"
    attachment_id = await portal.upload(who, LETTER)
    body = {
        "given_name": member.given_name,
        "attachments": [attachment_id],
        "telephones": [{"kind": "work", "number": "+15145550178"}, {"kind": "mobile", "number": "+15145550177"}],
        "new_linking_code": True,
        "attestations": ticked(await form(journey, who, "correction")),
    }
    version, since = {"If-Match": who.etag}, now()
    corrected = await portal.call(who, "authorizations", "PATCH", path, json=body, headers=version, expect=200)
    told.shows(f"changed: {', '.join(corrected['changed'])}")
    await portal.mail(member.email, since, "what was corrected, with the new coordinates", LINKING_CODE)
    after = await coordinates_of(journey, member)
    told.holds(
        corrected["mail"] == "linking_coordinates" and before[0] == after[0] and before[1] != after[1],
        "one mail tells it and brings another code; the older one died with it",
    )
    agent, path = await portal.agent(), f"/v1/attachments?object_id={contact['contact_id']}"
    kept = await portal.call(agent, "authorizations", "GET", path, expect=200)
    refused = await portal.call(who, "authorizations", "GET", f"/v1/attachments/{attachment_id}", expect=403)
    told.holds(
        [file["attachment_id"] for file in kept["items"]] == [attachment_id]
        and refused["code"] == "wrong_kind_of_caller",
        "the document is there for agents, and for nobody else",
    )


async def member_joins(journey: Journey, who: Someone, member: Someone, contact: dict[str, Any]) -> None:
    """The member registers and links, as step 1 and 2 say."""
    told, portal = journey.told, journey.portal
    told.step(
        "Étape 4 | Le nouveau membre crée son compte et lie son dossier", "In the language of the contact's file."
    )
    profile = await join(journey, member)
    told.holds(profile["contact_id"] == contact["contact_id"], "the account is linked to the contact that step 4 added")
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
    through = await firms_relation(journey, who)
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
    told.shows(*(f"{absent['name']} – {absent['why']}" for absent in file["absent"][:1]))
    told.holds(
        {absent["subject"] for absent in file["absent"]} == set(NOT_DELEGABLE),
        "the three services that cannot be delegated are absent, each with its reason",
    )
    relation_id: str = made["relation_id"]
    return relation_id


async def remove(journey: Journey, who: Someone, employer: Someone, member: Someone, relation_id: str) -> None:
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
        f"preview: {preview['lost']['total']} rights would be lost: the delegated ones, and those in the firm itself"
    )
    since = now()
    removed = await portal.call(who, "authorizations", "POST", path, json=body, expect=200)
    told.holds(
        all(removed[name] == preview[name] for name in ("relations", "rights", "delegations")),
        "what was withdrawn is what the preview said",
    )
    answer = await evaluate(journey.portal, machine, member, "monthly_report", journey.client_id)
    told.shows(answer["context"]["reason"]["fr"], answer["context"]["reason"]["en"])
    told.holds(not answer["decision"], "the very next check says no")
    own = await evaluate(journey.portal, machine, member, "status_letter", journey.client_id)
    told.holds(own["decision"], "what the employer itself gave its own contact stays the employer's to take back")
    await portal.mail(employer.email, since, "the news that its own contact has left the firm")
    opened = await portal.call(who, "authorizations", "GET", f"/v1/contacts/{member.profile}", expect=200)
    delegation = next(found for found in opened["relations"] if found["relation_id"] == relation_id)
    told.holds(
        not opened["active"] and not delegation["active"],
        "the contact and its relations are inactive, and history still shows what was",
    )


async def coordinates_for_the_others(journey: Journey, who: Someone) -> None:
    """Step 6: "Répétez ces étapes pour chacun des membres", in one call, with what became of each person's mail."""
    told, portal = journey.told, journey.portal
    told.step(
        "Étape 6 | Générer les coordonnées de liaison aux membres",
        "All members who never linked an account, at once; then what became of each one's mail.",
    )
    since = now()
    path = "/v1/linking-code-batches"
    made = await portal.call(who, "authorizations", "POST", path, json={"never_linked": True}, expect=202)
    await portal.mail(OTHER_MEMBER, since, "the coordinates", LINKING_CODE)
    path = f"{path}/{made['batch_id']}/items"

    async def sent() -> Any:
        found = (await portal.answer(who, "authorizations", "GET", path)).json()["items"]
        return found if {item["state"] for item in found} == {"sent"} else None

    items = await portal.until(sent, "the state of each person's mail")
    told.arrived("notifications → authorizations: the batch knows that the mail was sent", since_then(since))
    told.shows(*(f"{item['given_name']} {item['family_name']}: {item['state']}" for item in items))
    told.holds([item["family_name"] for item in items] == ["Membre"], "whoever has linked an account was left out")
