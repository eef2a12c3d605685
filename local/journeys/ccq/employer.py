"""The client's side, and what a firm and its client ask of each other (step 3 and the guide's notes)."""

from typing import Any

from local.journeys.asking import decide, evaluate
from local.journeys.ccq.first_connection import coordinates_of, join, redeem
from local.journeys.ccq.stage import CLIENT, CLIENT_NUMBER, NOBODYS_NUMBER, NOT_DELEGABLE, Journey, seconds
from local.journeys.playing import form, ticked
from local.journeys.portal import LINKING_CODE, Someone, now

EVERY_SUBJECT = (
    "monthly_report",
    "workforce",
    "site_compliance",
    "payments_statements",
    "profile",
    *NOT_DELEGABLE,
)


async def employer_joins(journey: Journey, employer: Someone) -> None:
    """Before the launch, and steps 1 and 2, for the person responsible for a client."""
    told, portal = journey.told, journey.portal
    told.step(
        "Avant le lancement, étapes 1 et 2 | Chez le client",
        f"An agent sends coordinates to the responsible person of {CLIENT}, who opens an account and links it.",
    )
    agent = await portal.agent()
    since = now()
    batch = {"organization_ids": [journey.client_id], "functions": ["responsible_person"]}
    await portal.call(agent, "authorizations", "POST", "/v1/linking-code-batches", json=batch, expect=202)
    await portal.mail(employer.email, since, "the mail with linking coordinates", LINKING_CODE)
    profile = await join(journey, employer)
    told.holds(profile["organization"]["name"] == CLIENT and profile["manages"], f"she manages {CLIENT}")


async def ask_for_the_end(journey: Journey, who: Someone, employer: Someone) -> None:
    """Step 3 (2): a firm whose client is no longer one can only ask; the employer decides."""
    told, portal = journey.told, journey.portal
    told.step(
        "Étape 3 (2) | Une relation active avec un employeur qui n’est plus client",
        "No telephone call: the firm asks for the end, nothing changes until the employer has decided.",
    )
    path = f"/v1/relations/{(await firms_relation(journey, who))['relation_id']}/end"
    body = {"attestations": ticked(await form(journey, who, "representation_end"))}
    since = now()
    asked = await portal.call(who, "authorizations", "POST", path, json=body, expect=202)
    told.holds(await firms_relation(journey, who), f"until {asked['lapses_on']} it waits, and the relation goes on")
    await approve(journey, who, employer, asked["request_id"], since)
    path = f"/v1/organizations/{journey.firm_id}/relations?organization={journey.client_id}"
    (ended,) = (await portal.call(who, "authorizations", "GET", path, expect=200))["items"]
    told.holds(not ended["active"], "approved, the relation is inactive and still in the list")


async def propose(journey: Journey, who: Someone, employer: Someone) -> None:
    """Step 3 (2): a relation that is missing is not noted on paper but proposed."""
    told, portal = journey.told, journey.portal
    told.step(
        "Étape 3 (2) | Une relation absente de la liste",
        "The firm proposes it, naming the employer by number; the employer approves, and it is in force.",
    )
    since = now()
    asked = await proposal(journey, who, CLIENT_NUMBER)
    await approve(journey, who, employer, asked["request_id"], since)
    told.holds(await firms_relation(journey, who), f"{CLIENT} is the firm's client again")
    path = f"/v1/organizations/{journey.firm_id}/authorizations?organization={journey.client_id}&active=true"
    rights = await portal.call(who, "authorizations", "GET", path, expect=200)
    told.holds(
        {row["subject"] for row in rights["items"]} == set(EVERY_SUBJECT)
        and all(row["contact"] is None for row in rights["items"]),
        "with the subjects that were asked; no member's old delegation came back with it",
    )


async def ask_about_nobody(journey: Journey, who: Someone) -> None:
    """A number that is nobody's: the same answer, and an agent who can only reject."""
    told, portal = journey.told, journey.portal
    told.step(
        "Étape 3 (2) | Un numéro qui n’est à personne, et l’agent",
        "Guessing teaches nothing: the answer is the same. An agent takes it from the queue and decides with a reason.",
    )
    since = now()
    asked = await proposal(journey, who, NOBODYS_NUMBER)
    path = f"/v1/requests/{asked['request_id']}"
    agent = await portal.agent()

    async def queued() -> bool:
        queue = portal.platform.gateway("authorizations") + "/v1/requests"
        found = (await portal.http.get(queue, headers=agent.headers)).json()["items"]
        return asked["request_id"] in [request["request_id"] for request in found]

    await portal.until(queued, "the request in the agents' queue")
    held = await portal.call(agent, "authorizations", "POST", f"{path}/claim", expect=200)
    told.holds(held["held_by_me"], f"held: until {seconds(held['held_until'])} it is no other agent's")
    decision = {"outcome": "reject", "reason": "not_confirmed"}
    await decide(journey.portal, agent, asked["request_id"], decision)
    await portal.mail(who.email, since, "the decision")
    seen = await portal.call(who, "authorizations", "GET", path, expect=200)
    told.shows(f"{seen['kind_name']} {seen['other_number']} – {seen['decision_reason_name']}")
    told.holds(seen["outcome"] == "reject" and seen["organization"] is None, "the firm is told why, and no name")


async def own_contact(journey: Journey, employer: Someone, member: Someone) -> None:
    """The note of page 3: the three services, as the employer's own contact."""
    told, portal = journey.told, journey.portal
    told.step(
        "Limitation actuelle | Les trois services, comme contact de l’employeur",
        "The employer adds the firm's member as a contact of its own, and learns nothing of the firm's file; an agent"
        " sees that it is a person whom the agency knows; the member links that file to the same account.",
    )
    body = {
        "contact": {
            "family_name": member.family_name,
            "given_name": member.given_name,
            "email": member.email,
            "telephones": [],
            "language": member.language,
        },
        "type": "authorized_individual",
        "subjects": [{"subject": subject, "level": "write"} for subject in NOT_DELEGABLE],
        "attestations": ticked(await form(journey, employer, "addition")),
    }
    since = now()
    path = f"/v1/organizations/{journey.client_id}/contacts"
    answer = await portal.call(employer, "authorizations", "POST", path, json=body, expect=201)
    told.shows(answer["message"])
    await portal.mail(member.email, since, "the coordinates for the employer's file", LINKING_CODE)
    await recognize(journey, employer, member, answer["contact_id"])
    profile = await redeem(journey, member, await coordinates_of(journey, member))
    path = "/v1/authorized-files"
    chosen = {"Mandat-Profile": profile["contact_id"]}
    files = await portal.call(member, "authorizations", "GET", path, headers=chosen, expect=200)
    told.shows(*(f"{s['name']} | {s['level_name']}" for file in files["items"] for s in file["subjects"]))
    machine = await portal.machine()
    machine.after = member.after
    for subject, name in NOT_DELEGABLE.items():
        answer = await evaluate(journey.portal, machine, member, subject, journey.client_id)
        told.holds(answer["decision"], f"{name}: yes")


async def recognize(journey: Journey, employer: Someone, member: Someone, contact_id: str) -> None:
    """Step 4: somebody who is known elsewhere. An agent compares, and says that it is the same person."""
    told, portal = journey.told, journey.portal
    agent = await portal.agent()

    async def found() -> Any:
        answer = await portal.http.get(
            f"{portal.platform.gateway('authorizations')}/v1/requests", headers=agent.headers
        )
        return next((r for r in answer.json()["items"] if r["asked"]["contact_id"] == contact_id), None)

    review = await portal.until(found, "the comparison with other organizations' contacts")
    path = f"/v1/requests/{review['request_id']}"
    opened = await portal.call(agent, "authorizations", "GET", path, expect=200)
    candidate = opened["asked"]["candidates"][0]
    alike = ", ".join(field["name"] for field in candidate["agreeing"])
    told.shows(f"{opened['kind_name']} – {alike} (evidence: {candidate['score']} bits)")
    told.holds(candidate["contact_id"] == member.profile, "the agent is shown the firm's file about the same person")
    hidden = await portal.call(employer, "authorizations", "GET", path, expect=404)
    told.holds(
        hidden["code"] == "not_found",
        "the employer is not, nor told that anybody asks: whom a firm has on file is the firm's",
    )
    await portal.call(agent, "authorizations", "POST", f"{path}/claim", expect=200)
    merged = {"outcome": "merge", "contact_id": candidate["contact_id"]}
    since = now()
    await decide(journey.portal, agent, review["request_id"], merged)
    await portal.mail(employer.email, since, "the decision")
    what = "new coordinates, with the number that the person has already"
    await portal.mail(member.email, since, what, LINKING_CODE)


async def firms_relation(journey: Journey, who: Someone) -> Any:
    """The relation in force by which the firm acts for its client."""
    path = f"/v1/organizations/{journey.firm_id}/relations?organization={journey.client_id}&active=true"
    found = await journey.portal.call(who, "authorizations", "GET", path, expect=200)
    return found["items"][0] if found["items"] else None


async def proposal(journey: Journey, who: Someone, number: str) -> Any:
    """Ask to act for the employer with a number."""
    body = {
        "other": {"kind": "employer", "number": number},
        "type": "accounting_firm",
        "subjects": [{"subject": subject, "level": "write"} for subject in EVERY_SUBJECT],
        "attestations": ticked(await form(journey, who, "representation")),
    }
    path = f"/v1/organizations/{journey.firm_id}/relations"
    asked = await journey.portal.call(who, "authorizations", "POST", path, json=body, expect=202)
    journey.told.holds(asked["relation_id"] is None, f"nothing is in force yet; it waits until {asked['lapses_on']}")
    return asked


async def approve(journey: Journey, who: Someone, employer: Someone, request_id: str, since: Any) -> None:
    """The employer is told, looks, approves; both are told."""
    told, portal = journey.told, journey.portal
    await portal.mail(employer.email, since, "what waits for a decision")
    waiting = f"/v1/organizations/{journey.client_id}/requests?state=submitted"
    listed = await portal.call(employer, "authorizations", "GET", waiting, expect=200)
    request = next(request for request in listed["items"] if request["request_id"] == request_id)
    told.shows(f"{request['kind_name']}, asked by {request['asked_by']['name']}")
    since = now()
    await decide(journey.portal, employer, request_id, {"outcome": "approve"})
    await portal.mail(who.email, since, "the decision")
    await portal.mail(employer.email, since, "the decision")
