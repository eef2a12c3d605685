"""What the page leaves unsaid: the last access administrator goes, while somebody waits for them."""

from typing import Any

from local.journeys.playing import since_then
from local.journeys.portal import Someone, now
from local.journeys.wsscc.claiming import claim, waiting
from local.journeys.wsscc.stage import Journey, profile_at


async def last_administrator_goes(journey: Journey, last: Someone, who: Someone) -> None:
    """The last administrator takes the employer from the account: what waits goes to the agents, who are asked."""
    told, portal = journey.told, journey.portal
    told.step(
        "Le dernier administrateur de l’accès part (the guide is silent)",
        f"{who.given_name} {who.family_name} asks for access. The last administrator leaves before deciding.",
    )
    made = await claim(journey, who, journey.cast.employer, "worker")
    asked = await waiting(journey, who, made["claim_id"])
    told.holds(asked["decider"] == "organization", "the claim waits for the administrator")
    profile, since = await profile_at(journey, last, journey.employer_id), now()
    await portal.call(last, "linking", "DELETE", f"/v1/links/{profile['link_id']}", expect=204)

    async def with_agents() -> Any:
        found = (await portal.answer(who, "linking", "GET", f"/v1/claims/{made['claim_id']}?wait=1")).json()
        return found if found["decider"] == "agents" else None

    shown = await portal.until(with_agents, "the agents as who decides")
    told.arrived("linking → authorizations → linking: the agents decide", since_then(since))
    told.shows(shown["message"])
    await portal.mail(journey.cast.employer.address_on_file, since, "the news of the request, at the address on file")
    agent = await portal.agent()

    async def reviews() -> list[Any]:
        """Made when somebody looks at who can act there now: the request may have gone to the agents before."""
        queue = await portal.call(agent, "authorizations", "GET", "/v1/requests?kind=review", expect=200)
        return [row for row in queue["items"] if row["organization"]["organization_id"] == journey.employer_id]

    mine = await portal.until(reviews, "the question to the agents")
    told.holds([row["reason"] for row in mine] == ["unmanaged"], "and are asked who shall be the access administrator")
