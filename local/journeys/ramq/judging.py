"""“Et si je remets une adresse de courriel partagée?”, where only a person sees that it is one."""

from local.journeys.portal import Someone, now
from local.journeys.ramq.mandating import LINK, address_proof, token_in
from local.journeys.ramq.stage import Journey


async def another_address(journey: Journey, who: Someone, delegate: Someone, mandate_id: str) -> str:
    """An agent sees that the delegate's address is shared; the mandate waits for another. Returns its mail's token.

    The question goes to the address by which the professional had the delegate invited, and not to the shared one.
    """
    told, portal, path = journey.told, journey.portal, f"/v1/mandates/{mandate_id}"
    told.step(
        "Et si je remets une adresse de courriel partagée? | Nous communiquerons avec vous ou le nouvel utilisateur",
        "An agent sees that several people read the delegate's address, and asks for another one.",
    )
    agent, since = await portal.agent(), now()
    side = {"side": "delegate"}
    await portal.call(agent, "authorizations", "POST", f"{path}/address-requests", json=side, expect=204)
    mandate = await portal.call(who, "authorizations", "GET", path, expect=200)
    queue = await portal.call(agent, "authorizations", "GET", "/v1/requests?kind=mandate", expect=200)
    states = {side["side"]: (side["address_state"], side["signed_at"] is not None) for side in mandate["sides"]}
    told.holds(
        mandate["state"] == "signing" and states == {"professional": ("verified", True), "delegate": ("refused", True)}
        and mandate_id not in {request["request_id"] for request in queue["items"]},
        "the mandate waits outside the queue, and keeps both signatures",
    )  # fmt: skip
    token = token_in(
        await portal.mail(delegate.email, since, "the question for another address", mandate_id), mandate_id
    )
    query = {"to": f"pavillon.b@{journey.shared_domain}", "since": since.isoformat()}
    mails = (await portal.http.get(f"{portal.platform.inbox}/mails", params=query)).json()
    told.holds(
        not [mail for mail in mails if LINK.search(mail["text"])], "the question does not go to the shared address"
    )
    body = {"token": token, "address_proof": await address_proof(journey, delegate, delegate.email)}
    given = await portal.call(delegate, "authorizations", "POST", f"{path}/address", json=body, expect=200)
    told.holds(given["state"] == "submitted", "with an address of one's own it stands in the queue again")
    return token
