"""Page 6 and step 3 (1): what the agency could not bring in, and what the firm's responsible person makes of it."""

import json

from local.journeys.ccq.stage import CLIENT_NUMBER, FIRM_NUMBER, NOBODYS_NUMBER, Journey
from local.journeys.portal import Someone

NOBODYS_CLIENT_NUMBER = "3888888"
"""No contact has it."""

GRANTED = {"starts_on": "2026-01-15", "subjects": [{"subject": "monthly_report", "level": "write"}]}
HELD_BY_THE_FIRM = {"holder_kind": "firm", "holder_number": FIRM_NUMBER}

EXTRACT = (
    {"record": "representation", "kind": "employer", "number": NOBODYS_NUMBER, "type": "accounting_firm"}
    | HELD_BY_THE_FIRM
    | GRANTED,
    {"record": "delegation", "kind": "employer", "number": CLIENT_NUMBER, "client_number": NOBODYS_CLIENT_NUMBER}
    | {"through": "accounting_firm"}
    | HELD_BY_THE_FIRM
    | GRANTED,
)
"""Two rows of the old files: a relation with an employer, and a delegation to a person, whom nobody has on file."""


async def settle_what_was_not_migrated(journey: Journey, who: Someone) -> None:
    """An agent rehearses a late extract and brings it in; its defects wait for whoever the organization answers to."""
    told, portal = journey.told, journey.portal
    told.step(
        "Vue d’ensemble, étape 3 (1) | Les relations qui n’ont pas pu être établies automatiquement",
        "No notes on paper: an agent rehearses an extract, brings it in, and what could not be is a list to settle.",
    )
    agent = await portal.agent()
    lines = "\n".join(map(json.dumps, EXTRACT)).encode()
    for dry_run in (True, False):
        done = await portal.extract(agent, lines, dry_run=dry_run)
        told.holds(
            (done["read"], done["created"], done["changed"], done["unchanged"], done["rejected"]) == (2, 0, 0, 0, 2),
            f"{'rehearsed' if done['dry_run'] else 'brought in'}: 2 rows read, 2 rejected, nothing changed",
        )
    path = f"/v1/organizations/{journey.firm_id}/migration-report"
    report = await portal.call(who, "authorizations", "GET", f"{path}?settled=false", expect=200)
    told.shows(*(item["detail"] for item in report["items"]))
    told.holds(
        {item["code"] for item in report["items"]} == {"unknown_organization", "orphaned_relation"},
        "the responsible person is shown each with its reason",
    )
    for item, outcome in zip(report["items"], ("confirmed", "corrected"), strict=True):
        settling = f"{path}/{item['item_id']}/settlement"
        await portal.call(who, "authorizations", "POST", settling, json={"outcome": outcome}, expect=204)
    left = await portal.call(who, "authorizations", "GET", f"{path}?settled=false", expect=200)
    told.holds(left["total"] == 0, "one confirmed, one corrected: nothing is left to settle")
