"""“Nous le transmettre par courriel en format PDF ou par la poste”: an agent enters what came."""

from typing import Any
from uuid import uuid4

from contracts.agency import load
from local.journeys.portal import Someone, now
from local.journeys.ramq.mandating import CLERK, STATEMENTS, token_in
from local.journeys.ramq.stage import Journey

SCAN = "%PDF-1.7\n1 0 obj\n<< /Type /Catalog /ID ({form}) >>\nendobj\ntrailer\n<< /Root 1 0 R >>\nstartxref\n9\n%%EOF\n"
"""Of each form another, as paper is."""


async def enter_paper(journey: Journey, who: Someone, delegate: Someone, organization_id: str) -> str:
    """One paper, one file, one mandate; both confirm their address. Returns it once it waits for agents."""
    told, portal = journey.told, journey.portal
    told.step(
        "Nous le transmettre par courriel en format PDF ou par la poste",
        "An agent enters a form that both signed by hand, with its scan; one file named for two forms is refused.",
    )
    agent = await portal.agent()
    uploaded = await portal.http.post(
        f"{portal.platform.gateway('authorizations')}/v1/attachments",
        params={"organization_id": organization_id}, content=SCAN.format(form=uuid4()).encode(),
        headers=agent.headers | {"Content-Type": "application/pdf"},
    )  # fmt: skip
    uploaded.raise_for_status()
    person = {
        "family_name": delegate.family_name, "given_name": delegate.given_name, "email": delegate.email,
        "language": delegate.language,
    }  # fmt: skip
    since = now()
    today = since.astimezone(load(portal.platform.agency_folder).profile.zone).date()
    body: dict[str, Any] = {
        "organization_id": organization_id, "professional_id": who.profile, "professional_email": who.email,
        "delegate": person, "service": STATEMENTS, "role": CLERK, "language": who.language,
        "attachment_id": uploaded.json()["attachment_id"], "received_on": today.isoformat(),
    }  # fmt: skip
    made = await portal.call(agent, "authorizations", "POST", "/v1/paper-mandates", json=body, expect=201)
    mandate_id: str = made["mandate_id"]
    again = body | {"service": "eligibility_check"}
    refused = await portal.call(agent, "authorizations", "POST", "/v1/paper-mandates", json=again, expect=422)
    told.shows(refused["detail"])
    told.holds(refused["code"] == "document_of_another", "one file for each form; otherwise it is refused")
    state = ""
    for one in (who, delegate):
        mail = await portal.mail(one.email, since, "the question whether the address is theirs", mandate_id)
        token = {"token": token_in(mail, mandate_id)}
        path = f"/v1/mandates/{mandate_id}/confirmation"
        state = (await portal.call(one, "authorizations", "POST", path, json=token, expect=200))["state"]
    told.holds(state == "submitted", "both confirm their address, and it stands in the same queue")
    return mandate_id
