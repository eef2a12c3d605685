"""What every journey has and does, whichever agency's guide it plays."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local.journeys.narrator import Narrator
from local.journeys.portal import Portal, Someone, now


@dataclass
class Journey:
    """One playing of a guide."""

    portal: Portal
    told: Narrator


async def form(journey: Journey, who: Someone, kind: str) -> dict[str, Any]:
    """A form of the catalogue of services."""
    forms = await journey.portal.call(who, "authorizations", "GET", "/v1/forms", expect=200)
    found: dict[str, Any] = next(found for found in forms["items"] if found["kind"] == kind)
    return found


def ticked(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Its attestations, ticked in the version shown."""
    return [{"code": statement["code"], "version": statement["version"]} for statement in found["attestations"]]


def signed_in(who: Someone, answer: dict[str, Any]) -> None:
    """Keep what a verification or a sign-in answered."""
    who.account_id = answer["account_id"]
    who.access_token, who.refresh_token = answer["access_token"], answer["refresh_token"]


def since_then(instant: datetime) -> float:
    """Milliseconds since an instant."""
    return float((now() - instant).total_seconds() * 1000)
