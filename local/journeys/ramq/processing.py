"""What the agency does with a mandate, and what both sides are given: half of a credential each."""

import re
from typing import Any

from local.journeys.asking import decide, evaluate
from local.journeys.playing import signed_in, since_then
from local.journeys.portal import Someone, code_in, now
from local.journeys.ramq.mandating import (
    BILLING,
    CLERK,
    OFFICE,
    STATEMENTS,
    ask,
    both_sign,
    sign,
    sign_by_the_link,
    wanted,
)
from local.journeys.ramq.stage import Journey

USER_NAME = re.compile(r"(?<![0-9a-z])(u\d{10})(?!\d)")
TEMPORARY_PASSWORD = re.compile(r"(?m)^\s*([0-9a-z]{3,6}(?:-[0-9a-z]{3,6}){2,})\s*$")


async def process(journey: Journey, who: Someone, mandate_id: str) -> Someone:
    """The queue in the order of receipt, the date that is published, the agent's approval. Returns the agent."""
    told, portal = journey.told, journey.portal
    told.step(
        "Aujourd’hui, nous traitons les demandes que nous avons reçues à la date suivante",
        "An agent takes the mandate from the queue, and approves it.",
    )
    date = await portal.call(who, "authorizations", "GET", "/v1/processing-date", expect=200)
    told.shows(date["date"])
    agent = await portal.agent()
    queue = await portal.call(agent, "authorizations", "GET", "/v1/requests?kind=mandate", expect=200)
    told.holds(
        mandate_id in {request["request_id"] for request in queue["items"]}, "signed by both, it stands in the queue"
    )
    await portal.call(agent, "authorizations", "POST", f"/v1/requests/{mandate_id}/claim", expect=200)
    await decide(portal, agent, mandate_id, {"outcome": "approve"})
    mandate = await portal.call(who, "authorizations", "GET", f"/v1/mandates/{mandate_id}", expect=200)
    told.holds(
        mandate["given"] and mandate["given"]["in_force"], "approved, it is a dated right of the person mandated"
    )
    return agent


async def two_mails(journey: Journey, professional: Someone, delegate: Someone, since: Any) -> tuple[str, str]:
    """The user name to the professional, the temporary password to the delegate: neither in the other's mail."""
    told, portal = journey.told, journey.portal
    told.step(
        "Nous les enverrons à 2 adresses de courriel différentes",
        "The user name comes to the professional, the temporary password to the person mandated.",
    )
    name = await portal.mail(professional.email, since, "the user name", USER_NAME)
    password = await portal.mail(delegate.email, since, "the temporary password", TEMPORARY_PASSWORD)
    user_name, temporary = code_in(name, USER_NAME), code_in(password, TEMPORARY_PASSWORD)
    found = await portal.http.get(f"{portal.platform.inbox}/mails", params={"since": since.isoformat()})
    both = [mail for mail in found.json() if user_name in mail["text"] and temporary in mail["text"]]
    told.holds(both == [] and temporary not in name["text"], "never both in one mail")
    return user_name, temporary


async def first_sign_in(journey: Journey, delegate: Someone, user_name: str, temporary: str) -> None:
    """The temporary password works once, to choose another."""
    told, portal = journey.told, journey.portal
    told.step(
        "Son propre nom d’utilisateur et un mot de passe temporaire",
        f"{delegate.given_name} {delegate.family_name} signs in with both, and chooses a password.",
    )
    credentials = {"login": user_name, "password": temporary}
    refused = await portal.call(delegate, "accounts", "POST", "/v1/sessions", json=credentials, expect=403)
    told.shows(refused["detail"])
    terms = await portal.call(delegate, "accounts", "GET", "/v1/terms", expect=200)
    body = credentials | {"new_password": delegate.password, "terms_version": terms["version"]}
    signed_in(delegate, await portal.call(delegate, "accounts", "POST", "/v1/first-sign-ins", json=body, expect=201))
    signed = delegate.access_token
    delegate.access_token = ""
    again = await portal.call(delegate, "accounts", "POST", "/v1/first-sign-ins", json=body, expect=401)
    told.holds(again["code"] == "sign_in_refused", "the temporary password works once")
    delegate.access_token = signed


async def acts_by_the_mandate(journey: Journey, delegate: Someone, organization_id: str, mandate_id: str) -> None:
    """The check says yes, and why: by the mandate, for that service alone."""
    told, portal = journey.told, journey.portal
    told.step(
        "Effectuer des tâches en votre nom", "Another system of the agency asks whether the delegate may, and why."
    )
    since = now()
    machine = await portal.machine()

    async def may() -> Any:
        answer = await evaluate(portal, machine, delegate, BILLING, organization_id)
        return answer if answer["decision"] else None

    answer = await portal.until(may, "the access")
    told.arrived("authorizations: the right holds for the new account", since_then(since))
    told.holds(mandate_id in str(answer), "yes, and the explanation names the mandate")
    other = await evaluate(portal, machine, delegate, STATEMENTS, organization_id)
    told.holds(not other["decision"], "for any other service: no")


async def no_second_password(journey: Journey, delegate: Someone, organization_id: str, since: Any) -> None:
    """Who is a delegate already keeps the account, and is sent no other password."""
    told, portal = journey.told, journey.portal
    machine = await portal.machine()

    async def may() -> bool:
        return bool((await evaluate(portal, machine, delegate, BILLING, organization_id))["decision"])

    await portal.until(may, "the access in the second practice")
    query = {"to": delegate.email, "since": since.isoformat()}
    mails = (await portal.http.get(f"{portal.platform.inbox}/mails", params=query)).json()
    again = [mail for mail in mails if TEMPORARY_PASSWORD.search(mail["text"])]
    told.holds(again == [], "the same account acts for the second professional, and no second password was sent")


async def return_and_refuse(journey: Journey, who: Someone, delegate: Someone) -> None:
    """An agent asks for a correction, which both sign anew, and then refuses, with a reason each time."""
    told, portal = journey.told, journey.portal
    told.step(
        "(silent) Une demande à corriger, puis refusée",
        "Another mandate is returned by an agent, corrected, signed anew by both, and refused with a reason.",
    )
    made = await ask(journey, who, wanted(delegate, STATEMENTS, CLERK))
    mandate_id: str = made["items"][0]["mandate_id"]
    await both_sign(journey, who, delegate, mandate_id)
    agent = await portal.agent()
    await decided(journey, agent, mandate_id, "return", "mandate_to_correct")
    path = f"/v1/mandates/{mandate_id}"
    returned = await portal.call(who, "authorizations", "GET", path, expect=200)
    told.shows(returned["decision_reason_name"])
    corrected = await portal.call(
        who, "authorizations", "POST", f"{path}/correction", json=wanted(delegate, STATEMENTS, OFFICE),
        headers={"If-Match": who.etag}, expect=200,
    )  # fmt: skip
    told.holds(
        (returned["state"], corrected["state"]) == ("returned", "signing")
        and all(side["signed_at"] is None for side in corrected["sides"]),
        "a corrected mandate is another text, which nobody has signed yet",
    )
    await both_sign(journey, who, delegate, mandate_id, anew=True)
    since = now()
    await decided(journey, agent, mandate_id, "reject", "delegate_not_entitled")
    refused = await portal.call(who, "authorizations", "GET", path, expect=200)
    told.shows(refused["decision_reason_name"])
    told.holds(refused["outcome"] == "reject" and refused["given"] is None, "refused with a reason, it gives nothing")
    for one in (who, delegate):
        await portal.mail(one.email, since, "the news of the refusal")


async def decided(journey: Journey, agent: Someone, mandate_id: str, outcome: str, reason: str) -> None:
    """An agent takes the mandate and decides it."""
    portal = journey.portal
    await portal.call(agent, "authorizations", "POST", f"/v1/requests/{mandate_id}/claim", expect=200)
    await decide(portal, agent, mandate_id, {"outcome": outcome, "reason": reason})


async def read_the_document(journey: Journey, who: Someone, delegate: Someone, mandate_id: str, token: str) -> None:
    """Both sides and an agent see what was signed, and print it: the delegate by the mail's token."""
    told, portal = journey.told, journey.portal
    told.step("(silent) Le mandat signé", "Both sides and an agent read what was signed, and print it.")
    path = f"/v1/mandates/{mandate_id}/document"
    for one, body in ((who, None), (await portal.agent(), None), (delegate, {"token": token})):
        method = "GET" if body is None else "POST"
        document = await portal.call(one, "authorizations", method, path, json=body, expect=200)
        html = {"Accept": "text/html"}
        printed = await portal.answer(one, "authorizations", method, path, json=body, headers=html)
        told.holds(
            document["intact"] is True and len(document["signatures"]) == 2
            and all(signature["intact"] is True for signature in document["signatures"]),
            "two signatures, each with its text, and nothing was changed since",
        )  # fmt: skip
        names = {signature["name"] for signature in document["signatures"]}
        told.holds(
            printed.status_code == 200 and printed.headers["content-type"].startswith("text/html")
            and all(name in printed.text for name in names),
            f"printed by {'the delegate' if one is delegate else 'the professional' if one is who else 'an agent'}",
        )  # fmt: skip


async def refuse_a_second_one(journey: Journey, who: Someone, delegate: Someone, mandate_id: str) -> None:
    """Whoever is mandated for a service already is not mandated for it twice."""
    told = journey.told
    told.step("(silent) Déjà mandaté", "The professional asks for the same person and service once more.")
    (again,) = (await ask(journey, who, wanted(delegate, BILLING, CLERK)))["items"]
    problem = again["problem"]
    told.shows(problem["detail"], problem["next"]["detail"])
    told.holds(
        problem["code"] == "mandate_without_end" and problem["next"]["href"] == f"/v1/mandates/{mandate_id}",
        "already mandated, with no end date: the mandate in force is named instead",
    )


async def each_gets_their_own(
    journey: Journey, who: Someone, colleague: Someone, mandate_id: str, token: str, other_user_name: str
) -> None:
    """The second person of the list signs, and has a user name and a temporary password of their own."""
    told = journey.told
    told.step(
        "Nous remettrons alors à chacun son propre nom d’utilisateur et un mot de passe temporaire",
        f"{colleague.given_name} {colleague.family_name}, mandated in the same list, signs as well.",
    )
    await sign_by_the_link(journey, colleague, mandate_id, token)
    since = now()
    await process(journey, who, mandate_id)
    user_name, temporary = await two_mails(journey, who, colleague, since)
    await first_sign_in(journey, colleague, user_name, temporary)
    told.holds(user_name != other_user_name, "each has a user name of their own")
    await acts_by_the_mandate(journey, colleague, journey.practice_id, mandate_id)


async def withdraw(journey: Journey, who: Someone, delegate: Someone) -> None:
    """Withdrawn before agents have it, and the delegate's mail leads nowhere any more."""
    told, portal = journey.told, journey.portal
    told.step(
        "(silent) Retirer une demande", "The professional withdraws a mandate that the person has not signed yet."
    )
    (asked,) = (await ask(journey, who, wanted(delegate, STATEMENTS, CLERK)))["items"]
    path = f"/v1/mandates/{asked['mandate_id']}"
    token = await sign(journey, who, asked["mandate_id"], delegate)
    withdrawn = await portal.call(who, "authorizations", "POST", f"{path}/withdrawal", expect=200)
    over = await portal.call(delegate, "authorizations", "POST", f"{path}/page", json={"token": token}, expect=409)
    told.shows(over["detail"])
    told.holds(
        (withdrawn["state"], over["code"]) == ("withdrawn", "mandate_link_over"),
        "withdrawn, it waits for nobody, and its mail leads nowhere",
    )


async def revoke(journey: Journey, who: Someone, delegate: Someone, organization_id: str, mandate_id: str) -> None:
    """Revoked, the access is over at once, and both are told."""
    told, portal = journey.told, journey.portal
    told.step("(silent) Révoquer un mandat", "The professional ends the mandate; the very next check says no.")
    since = now()
    path = f"/v1/mandates/{mandate_id}/revocation"
    await portal.call(who, "authorizations", "POST", path, expect=200)
    machine = await portal.machine()
    answer = await evaluate(portal, machine, delegate, BILLING, organization_id)
    told.holds(not answer["decision"], "revoked, the very next check says no")
    for one in (who, delegate):
        await portal.mail(one.email, since, "the news of the revocation")
