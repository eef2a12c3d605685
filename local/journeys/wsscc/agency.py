"""What the agency does: brings employers in, prints letters, decides where no administrator can, replaces one."""

import json
import re
from typing import Any
from urllib.parse import quote

from local.journeys.asking import may_write
from local.journeys.narrator import PromiseBroken
from local.journeys.portal import Someone, now
from local.journeys.wsscc.claiming import claim, settled, waiting
from local.journeys.wsscc.stage import LETTER, Employer, Journey, profile_at

CODE = re.compile(r"(?<!\d)(\d{3})[\s\u00a0\u202f]?(\d{3})(?!\d)")


async def bring_in(journey: Journey, agent: Someone, employer: Employer, **changes: Any) -> Any:
    """An employer's row, as the agency's system extracts it."""
    row = {
        "record": "organization", "kind": "employer", "number": employer.number, "legal_name": employer.legal_name,
        "status": "active", "email": employer.address_on_file, "language": agent.language,
        "billing_address": ["PO Box 43", "Yellowknife NT  X1A 2N1"],
    }  # fmt: skip
    return await journey.portal.extract(agent, json.dumps(row | changes).encode(), dry_run=False)


async def receive_employers(journey: Journey) -> None:
    """An employer is brought in, gets a code, and its letter is printed; the letter of the first person's too."""
    told, portal = journey.told, journey.portal
    told.step(
        "FAQ | Où puis-je trouver mon code WSSCC Connect?",
        "An agent brings an employer in. It has a code at once, on a letter to its billing address.",
    )
    agent = await portal.agent()
    done = await bring_in(journey, agent, journey.cast.other)
    told.holds((done["created"], done["rejected"]) == (1, 0), f"{journey.cast.other.legal_name} is on file")
    for employer in (journey.cast.employer, journey.cast.other):
        path = f"/v1/organizations?number={employer.number}"
        found = await portal.call(agent, "authorizations", "GET", path, expect=200)
        journey.ids[employer.number] = found["items"][0]["organization_id"]
        await code_known(journey, agent, journey.ids[employer.number])
    printed = await portal.call(
        agent, "linking", "POST", "/v1/organization-letters", json={"organization_ids": [journey.other_id]}, expect=201
    )
    sheets = f"/v1/organization-letters/{printed['printing_id']}/sheets"
    for form in ("text/html", "text/csv"):
        answer = await portal.answer(agent, "linking", "GET", sheets, headers={"Accept": form})
        told.holds(
            answer.status_code == 200 and journey.cast.other.legal_name.split()[0] in answer.text,
            {"text/html": "the letter is ready to print", "text/csv": "or to merge at the mailing house"}[form],
        )


async def code_known(journey: Journey, agent: Someone, organization_id: str) -> None:
    """Until linking has issued the code, or adopted the one that was there."""
    portal = journey.portal
    path = f"{portal.platform.gateway('linking')}/v1/organization-codes/{organization_id}"

    async def issued() -> bool:
        return (await portal.http.get(path, headers=agent.headers)).status_code == 200

    await portal.until(issued, "the code")


async def letter_of(journey: Journey, organization_id: str) -> str:
    """The six digits on the employer's letter, which the postman brings."""
    portal, agent = journey.portal, await journey.portal.agent()
    path = f"{portal.platform.gateway('linking')}/v1/organization-codes/{organization_id}/letter"
    answer = await portal.http.get(path, headers=agent.headers)
    words = re.sub(r"<style.*?</style>|<[^>]+>", " ", answer.text, flags=re.S)
    after = re.split(r"Votre code Connect|Your Connect code", words)
    found = CODE.search(after[-1]) if len(after) > 1 else None
    if answer.status_code != 200 or found is None:
        raise PromiseBroken(f"no letter with a code for {organization_id}: {answer.status_code}")
    return "".join(found.groups())


async def nobody_manages(journey: Journey, who: Someone) -> None:
    """A worker asks for access to an employer that has no administrator: agents decide, its address on file is told."""
    told, portal = journey.told, journey.portal
    employer = journey.cast.other
    told.step(
        "Ajouter un employeur | Un employeur sans administrateur de l’accès",
        f"A worker without the code asks for access to {employer.legal_name}. Nobody there can decide; an agent does.",
    )
    since = now()
    made = await claim(journey, who, employer, "worker")
    asked = await waiting(journey, who, made["claim_id"])
    told.shows(asked["message"])
    told.holds(asked["decider"] == "agents", f"the claim waits for an agent until {asked['deadline']}")
    await portal.mail(employer.address_on_file, since, "the news of the request, at the address on file")
    agent = await portal.agent()
    found = await portal.call(agent, "authorizations", "GET", "/v1/requests?kind=access_request", expect=200)
    told.holds(
        asked["request_id"] in [request["request_id"] for request in found["items"]], "it stands in the agents' queue"
    )
    path = f"/v1/requests/{asked['request_id']}"
    await portal.call(agent, "authorizations", "POST", f"{path}/claim", expect=200)
    access = {"type": "worker", "subjects": [{"subject": LETTER, "level": "write"}]}
    since = now()
    await portal.call(
        agent, "authorizations", "POST", f"{path}/decision",
        json={"outcome": "approve", "access": access}, headers={"If-Match": agent.etag}, expect=200,
    )  # fmt: skip
    decided = await settled(journey, who, made["claim_id"])
    told.shows(decided["message"])
    await portal.mail(who.email, since, "what became of the request")
    told.holds(decided["outcome"] == "granted", "the worker may act; who never had the code manages nothing")
    profile = await profile_at(journey, who, journey.other_id)
    told.holds(not profile["manages"], "the employer still has no administrator")


async def inactive(journey: Journey, who: Someone) -> None:
    """An employer that is inactive at the agency is neither acted for nor added; it comes back with its history."""
    told, portal = journey.told, journey.portal
    employer, machine, agent = journey.cast.other, await portal.machine(), await portal.agent()
    told.step(
        "FAQ | … attribué à chaque employeur inscrit et actif",
        f"{employer.legal_name} becomes inactive at the agency, and active again.",
    )
    told.holds(
        await may_write(journey.portal, machine, who, LETTER, journey.other_id), "while active, its worker may act"
    )
    await bring_in(journey, agent, employer, status="inactive")
    told.holds(
        not await may_write(journey.portal, machine, who, LETTER, journey.other_id), "inactive: at once nobody may"
    )
    await bring_in(journey, agent, employer)
    told.holds(
        await may_write(journey.portal, machine, who, LETTER, journey.other_id),
        "active again: what was granted is there again",
    )


async def replace(journey: Journey, first: Someone, successor: Someone) -> None:
    """Within the contest window an agent puts another in the administrator's place, after a look at what that costs."""
    told, portal = journey.told, journey.portal
    told.step(
        "Une première personne contestée (the guide is silent)",
        "The employer writes that somebody else should have had the role. An agent looks, then replaces.",
    )
    agent = await portal.agent()
    path = journey.managing(f"administrators/{first.profile}/replacement")
    body = {"successor_id": successor.profile, "reason": "contested"}
    preview = await portal.call(agent, "authorizations", "POST", path, json=body | {"preview": True}, expect=200)
    for person in preview["withdrawn"]:
        lost = ", ".join(relation["type_name"] for relation in person["relations"])
        told.shows(f"{person['holder_name']}: {lost}")
    since = now()
    done = await portal.call(agent, "authorizations", "POST", path, json=body, expect=200)
    told.holds(done == preview | {"preview": False}, "what was withdrawn is what the preview said")
    await portal.mail(journey.cast.employer.address_on_file, since, "the news, at the address on file")
    machine = await portal.machine()
    told.holds(
        not await may_write(journey.portal, machine, first, LETTER, journey.employer_id),
        "who was replaced may nothing there",
    )


async def find(journey: Journey) -> None:
    """An agent finds an employer, and sees who manages it and what waits there."""
    told, portal = journey.told, journey.portal
    told.step("FAQ | Veuillez communiquer avec la CSTIT", "An agent finds the employer by a name, and looks.")
    agent = await portal.agent()
    path = f"/v1/organizations?name={quote(journey.cast.employer.typed.upper())}"
    found = await portal.call(agent, "authorizations", "GET", path, expect=200)
    told.holds([row["number"] for row in found["items"]] == [journey.cast.employer.number], "found, and no other")
    told.shows(f"{found['items'][0]['legal_name']}, {', '.join(found['items'][0]['trade_names'])}")
    path = journey.managing("administrators")
    managing = (await portal.call(agent, "authorizations", "GET", path, expect=200))["items"]
    told.shows(*(f"{row['name']}: {row['function']}" for row in managing))
    path = f"/v1/requests?organization_id={journey.employer_id}&state=any"
    asked = await portal.call(agent, "authorizations", "GET", path, expect=200)
    told.holds(managing and asked["total"], "who manages it, and what was asked there")
