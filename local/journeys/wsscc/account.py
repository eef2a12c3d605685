"""“Créer un compte”, the simple tasks that come with it, and what helps on the way."""

import re
from typing import Any

from local.journeys.account import register
from local.journeys.asking import may_write
from local.journeys.narrator import PromiseBroken
from local.journeys.playing import signed_in, since_then
from local.journeys.portal import Someone, now
from local.journeys.wsscc.stage import Journey

LINK = re.compile(r"(https://\S+)#([0-9a-f-]{36}\.[A-Za-z0-9_-]+|[A-Za-z0-9_-]{20,})")
"""A page of the portal, and the single-use token that only the browser sees."""

OWN_TASKS = ("own_injury_report", "clearance_check")


def link_in(mail: dict[str, Any]) -> tuple[str, str]:
    """The page that the mail's button opens, and its token."""
    found = LINK.search(mail["text"])
    if found is None:
        raise PromiseBroken(f"no link stands in the mail “{mail['subject']}”")
    return found[1], found[2]


async def read_the_help(journey: Journey, who: Someone) -> None:
    """The page's instructions and its six questions, before anybody has an account."""
    told, portal = journey.told, journey.portal
    told.step("Mise en route, Foire aux questions", "The portal asks for instructions and answers, which are data.")
    served = await portal.call(who, "accounts", "GET", "/v1/help", expect=200)
    for one in served["questions"]:
        told.shows(f"{one['question']} – {one['answer']}")
    told.holds(
        len(served["questions"]) == 6 and {"start", "registration", "sign_in", "linking", "managing"}
        <= {text["place"] for text in served["texts"]},
        "every section of the page and all six questions are there, in the reader's language",
    )  # fmt: skip


async def create_account(journey: Journey, who: Someone) -> None:
    """1 to 5: nothing changes until the person confirms on the page, with the password."""
    told, portal = journey.told, journey.portal
    told.step(
        "Créer un compte | 1 à 5",
        f"{who.given_name} {who.family_name} registers, and confirms on the page that the mail's link opens.",
    )
    notice = await portal.call(who, "accounts", "GET", "/v1/registration-notice", expect=200)
    told.shows(*(f"{door['name']} – {door['for_whom']}" for door in notice["doors"]))
    told.shows(*(field["label"] for field in notice["fields"]))
    since = now()
    asked = await registration(journey, who, notice["terms_version"])
    mail = await portal.mail(who.email, since, "the mail of confirmation", LINK)
    page, fragment = link_in(mail)
    told.shows(f"the link leads to {page}, where the person began")
    told.holds(f"connect.{journey.cast.portal}.ca/{who.language}" in page, "to the address and language of the person")
    credentials = {"login": who.email, "password": who.password}
    early = await portal.call(who, "accounts", "POST", "/v1/sessions", json=credentials, expect=401)
    told.holds(early["code"] == "sign_in_refused", "until the link is confirmed there is no account to sign in to")
    registration_id, _, token = fragment.partition(".")
    path = f"/v1/registrations/{registration_id}/verification"
    wrong = {"token": token, "password": f"{who.password}?"}
    refused = await portal.call(who, "accounts", "POST", path, json=wrong, expect=422)
    told.shows(refused["detail"])
    told.holds(
        refused["code"] == "confirmation_refused" and registration_id == asked["registration_id"],
        "whoever follows the link without the password confirms nothing",
    )
    right = {"token": token, "password": who.password}
    signed_in(who, await portal.call(who, "accounts", "POST", path, json=right, expect=201))
    again = await portal.call(who, "accounts", "POST", path, json=right, expect=422)
    told.holds(again["code"] == refused["code"], "with the password the account is open, and the link is spent")


async def registration(journey: Journey, who: Someone, terms_version: str) -> Any:
    """“Entrez vos coordonnées”, with what this agency asks more than a name."""
    fields = {"telephone": "+1 867 555-0100", "territory": journey.cast.portal}
    return await register(journey, who, terms_version, portal=journey.cast.portal, fields=fields)


async def open_account(journey: Journey, who: Someone) -> None:
    """1 to 5 for somebody of whom nothing else is told."""
    portal = journey.portal
    notice = await portal.call(who, "accounts", "GET", "/v1/registration-notice", expect=200)
    since = now()
    await registration(journey, who, notice["terms_version"])
    _, fragment = link_in(await portal.mail(who.email, since, "the mail of confirmation", LINK))
    registration_id, _, token = fragment.partition(".")
    path = f"/v1/registrations/{registration_id}/verification"
    body = {"token": token, "password": who.password}
    signed_in(who, await portal.call(who, "accounts", "POST", path, json=body, expect=201))
    # The portal's first page: from here on authorizations knows the account, about which others ask it.
    await portal.call(who, "authorizations", "GET", "/v1/own-subjects", expect=200)


async def simple_tasks(journey: Journey, who: Someone) -> None:
    """5: what an account is good for before any employer is added."""
    told, portal = journey.told, journey.portal
    told.step("Créer un compte | 5. Effectuer des tâches simples", "No employer was added, and the check says yes.")
    since = now()

    async def offered() -> Any:
        path = f"{portal.platform.gateway('authorizations')}/v1/own-subjects"
        answer = (await portal.http.get(path, headers=who.headers)).json()
        return answer if answer.get("total") else None

    tasks = await portal.until(offered, "the account in authorizations")
    told.arrived("accounts → authorizations: the account is known there", since_then(since))
    told.shows(*(f"{task['name']} – {task['help']}" for task in tasks["items"]))
    machine = await portal.machine()
    for subject in OWN_TASKS:
        told.holds(
            await may_write(journey.portal, machine, who, subject, who.account_id), f"{subject}, of oneself: yes"
        )
    told.holds(
        not await may_write(journey.portal, machine, who, OWN_TASKS[0], journey.employer_id), "of anybody else: no"
    )
