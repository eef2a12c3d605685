"""Step 2 gone wrong: a file was linked to the wrong account. An agent ends that link, and the person links again."""

from typing import Any

from local.journeys.account import open_by_code
from local.journeys.asking import decide
from local.journeys.ccq.first_connection import coordinates_of, redeem
from local.journeys.ccq.members import OTHER_MEMBER
from local.journeys.ccq.stage import Journey
from local.journeys.playing import since_then
from local.journeys.portal import Language, Someone, now


def mistaken(language: Language = "fr") -> Someone:
    """The account that a member opened first, with an address to be given up."""
    return Someone("ancienne.adresse@courriel.example", "cinq loutres sous la pluie", "Démo", "Membre", language)


def right(language: Language = "fr") -> Someone:
    """The account that the same member wants to keep."""
    return Someone(OTHER_MEMBER, "six grands hérons au large", "Démo", "Membre", language)


async def contested_link(journey: Journey, first: Someone, second: Someone) -> None:
    """Two accounts for one file: the second is refused, an agent decides, both are told."""
    told, portal = journey.told, journey.portal
    told.step(
        "Étape 2 | Lier mon compte : le dossier est déjà lié",
        "A member links the file with an account that was a mistake, then tries it with the right one.",
    )
    coordinates = await coordinates_of(journey, second)
    for who in (first, second):
        await open_by_code(journey, who)
    profile = await redeem(journey, first, coordinates)
    body = {"method": "linking_coordinates", "client_number": coordinates[0], "linking_code": coordinates[1]}
    since = now()
    refused = await portal.call(second, "linking", "POST", "/v1/links", json=body, expect=422)
    told.holds(refused["code"] == "link_refused", "the answer is the same as for a wrong code")

    agent = await portal.agent()

    async def asked() -> Any:
        path = f"{portal.platform.gateway('authorizations')}/v1/requests"
        answer = await portal.http.get(path, headers=agent.headers)
        found = next((request for request in answer.json()["items"] if request["reason"] == "contested"), None)
        return found if found and _addresses(found["asked"]["contested"]) == (second.email, first.email) else None

    review = await portal.until(asked, "the review of the refused link")
    told.arrived("linking → authorizations: an agent is asked", since_then(since))
    seen = review["asked"]["contested"]
    told.shows(seen["obstacle_name"])
    told.holds(
        seen["contact_id"] == profile["contact_id"],
        "the agent sees the file, the account that tried and the one that has it",
    )
    since = now()
    await decide(
        journey.portal, agent, review["request_id"], {"outcome": "approve", "link_id": seen["link"]["link_id"]}
    )
    for who in (first, second):
        await portal.mail(who.email, since, "what the agent decided, or the new coordinates")

    async def ended() -> bool:
        return bool((await portal.answer(first, "linking", "GET", "/v1/profiles")).json()["total"] == 0)

    await portal.until(ended, "the end of the link")
    told.arrived("authorizations → linking: the mistaken account is the contact no more", since_then(since))

    async def renewed() -> Any:
        newest = await coordinates_of(journey, second)
        return newest if newest != coordinates else None

    linked = await redeem(journey, second, await portal.until(renewed, "new coordinates, at the address on file"))
    told.holds(linked["contact_id"] == profile["contact_id"], "the right account has the file, by the new coordinates")


def _addresses(seen: Any) -> tuple[str | None, str | None]:
    """Of the account that tried and of the one that has the file, once what accounts tells of both has arrived."""
    return tuple(
        account and account["email"] for account in (seen["account"], seen["link"] and seen["link"]["account"])
    )
