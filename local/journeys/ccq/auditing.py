"""What was done, as those responsible for an organization read it."""

from typing import Any

from local.journeys.ccq.stage import Journey
from local.journeys.portal import Someone


async def read_the_audit(journey: Journey, who: Someone, employer: Someone) -> None:
    """The firm and the client in their languages; who manages neither reads nothing."""
    told, portal = journey.told, journey.portal
    told.step(
        "La trace | Qui a fait quoi, pour qui, et pourquoi c’était permis",
        "Each organization's responsible person reads its own file's audit, in her language.",
    )
    for reader, organization_id in ((who, journey.firm_id), (employer, journey.client_id)):
        path = f"/v1/organizations/{organization_id}/audit?actor=account"
        page = await portal.call(reader, "authorizations", "GET", path, expect=200)
        for entry in page["items"][:4]:
            about = entry["about"] and f"{entry['about']['given_name']} {entry['about']['family_name']}"
            told.shows(" | ".join(filter(None, [entry["actor"]["name"], entry["action_text"], about])))
        told.holds(
            page["items"] and all(_reason(entry) and entry["data_version"] for entry in page["items"]),
            f"{page['range']}: each with who, why it was allowed or refused, under which version of the data",
        )
    path = f"/v1/organizations/{journey.client_id}/audit"
    refused = await portal.call(who, "authorizations", "GET", path, expect=404)
    told.holds(refused["code"] == "not_found", "the firm does not read its client's")


def _reason(entry: dict[str, Any]) -> str | None:
    """By which right it was done; of what was refused, the code of the refusal."""
    reason: str | None = entry["detail"]["code"] if entry["action"] == "refused" else entry["rule_text"]
    return reason
