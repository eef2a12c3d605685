"""The guide's third answer to “À qui désirez-vous ajouter une relation?”: an individual."""

from local.journeys.asking import evaluate
from local.journeys.ccq.first_connection import join
from local.journeys.ccq.stage import FIRM_NUMBER, INDIVIDUAL, INDIVIDUAL_NUMBER, Journey
from local.journeys.playing import form, ticked
from local.journeys.portal import LINKING_CODE, Someone, now

CERTIFICATE = "competency_certificate"


async def delegate_for_an_individual(journey: Journey, who: Someone, worker: Someone, member: Someone) -> None:
    """Step 5, "Un individu": a worker entrusts her file to the firm, and the firm delegates it to a member."""
    told, portal = journey.told, journey.portal
    told.step(
        "Étape 5 | Déléguer les autorisations d’un individu à un membre",
        f"{INDIVIDUAL} has a number of her own; she lets the firm act for her, and the firm delegates.",
    )
    agent, since = await portal.agent(), now()
    found = await portal.call(
        agent, "authorizations", "GET", f"/v1/organizations?number={INDIVIDUAL_NUMBER}", expect=200
    )
    individual_id = found["items"][0]["organization_id"]
    batch = {"organization_ids": [individual_id], "functions": ["file_holder"]}
    await portal.call(agent, "authorizations", "POST", "/v1/linking-code-batches", json=batch, expect=202)
    await portal.mail(worker.email, since, "the mail with linking coordinates", LINKING_CODE)
    profile = await join(journey, worker)
    told.holds(profile["manages"], f"{INDIVIDUAL} manages her own file")
    entrusted = {
        "other": {"kind": "firm", "number": FIRM_NUMBER},
        "type": "accounting_firm",
        "subjects": [{"subject": CERTIFICATE, "level": "write"}, {"subject": "profile", "level": "read"}],
        "attestations": ticked(await form(journey, worker, "representation")),
    }
    path = f"/v1/organizations/{individual_id}/relations"
    made = await portal.call(worker, "authorizations", "POST", path, json=entrusted, expect=201)
    who.after = worker.after
    addition = await form(journey, who, "addition")
    whom = next(field for field in addition["fields"] if field["code"] == "acted_for")
    told.shows(whom["label"], *(f"○ {option['label']}" for option in whom["options"]))
    delegated = {
        "acted_for": "individual",
        "organization_id": individual_id,
        "through": made["relation_id"],
        "subjects": [{"subject": CERTIFICATE, "level": "write"}],
        "attestations": ticked(addition),
    }
    path = f"/v1/contacts/{member.profile}/relations"
    await portal.call(who, "authorizations", "POST", path, json=delegated, expect=201)
    member.after = who.after
    files = await portal.call(member, "authorizations", "GET", "/v1/authorized-files", expect=200)
    file = next((file for file in files["items"] if file["organization"]["name"] == INDIVIDUAL), None)
    told.holds(file, f"the member's authorized files show {INDIVIDUAL}")
    assert file is not None
    told.shows(*(f"{s['name']} | {s['level_name']} | {s['help']} ⓘ {s['link']}" for s in file["subjects"]))
    machine = await portal.machine()
    machine.after = who.after
    for subject, may in ((CERTIFICATE, True), ("profile", False)):
        answer = await evaluate(journey.portal, machine, member, subject, f"individual:{INDIVIDUAL_NUMBER}")
        told.holds(answer["decision"] is may, f"{subject}, write, for {INDIVIDUAL}: {'yes' if may else 'no'}")
