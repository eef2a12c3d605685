"""“Ajouter un employeur”: a claim, from received to decided."""

from typing import Any

from contracts.agency import load
from contracts.agency.demo import load_demo
from contracts.agency.linking import OrganizationCode
from local.journeys.asking import may_write
from local.journeys.narrator import PromiseBroken
from local.journeys.playing import since_then
from local.journeys.portal import Someone, now
from local.journeys.wsscc.stage import (
    INACTIVE_NAME,
    INACTIVE_NUMBER,
    PAYMENTS,
    Employer,
    Journey,
    profile_at,
)

WAIT = 30  # seconds of one long poll


async def claim(journey: Journey, who: Someone, employer: Employer, capacity: str, *, code: str | None = None) -> Any:
    """The form, filled in; code and payroll only where the person has them. What POST /v1/links answers."""
    body = {
        "method": "organization_code", "organization_name": employer.typed, "organization_number": employer.number,
        "capacity": capacity,
    }  # fmt: skip
    if code is not None:
        body |= {"organization_code": code, "payroll": payroll_of_the_year(journey, employer)}
    return await journey.portal.call(who, "linking", "POST", "/v1/links", json=body, expect=202)


def payroll_of_the_year(journey: Journey, employer: Employer) -> str:
    """What an employer's people answer on the day of the journey: a report is good for its year, as in the guide."""
    agency = load(journey.portal.platform.agency_folder)
    method = agency.linking_methods["organization_code"]
    if not isinstance(method, OrganizationCode):
        raise PromiseBroken(f"{method.code} asks for no organization's code")
    year = now().astimezone(agency.profile.zone).year
    reported = {
        (row.organization.number, row.organization.payroll.year)
        for row in load_demo(agency).organizations
        if row.organization.payroll is not None
    }
    return employer.payroll if (employer.number, year) in reported else str(method.payroll.before_report)


async def waiting(journey: Journey, who: Someone, claim_id: str) -> Any:
    """The claim once it is no longer only received."""
    portal, path = journey.portal, f"/v1/claims/{claim_id}?wait={WAIT}"

    async def told() -> Any:
        found = await portal.call(who, "linking", "GET", path, expect=200)
        return found if found["state"] != "received" else None

    return await portal.until(told, "news of the claim")


async def settled(journey: Journey, who: Someone, claim_id: str) -> Any:
    """The claim once it is decided."""
    portal = journey.portal

    async def decided() -> Any:
        found = (await portal.answer(who, "linking", "GET", f"/v1/claims/{claim_id}?wait=1")).json()
        return found if found["state"] == "decided" else None

    return await portal.until(decided, "the decision")


async def refuse_alike(journey: Journey, who: Someone) -> None:
    """A wrong name, a number of nobody, an inactive employer: one answer, which teaches nothing."""
    told, portal = journey.told, journey.portal
    told.step(
        "Ajouter un employeur | 1. Le formulaire",
        "What is asked, in the agency's words; and what does not fit is refused alike, whatever it is.",
    )
    methods = await portal.call(who, "linking", "GET", "/v1/linking-methods", expect=200)
    (method,) = methods["items"]
    told.shows(*(f"{field['label']} – {field['help']}" for field in method["fields"]))
    optional = {field["name"] for field in method["fields"] if not field["required"]}
    told.holds(optional == {"organization_code", "payroll"}, "code and payroll are always shown as optional")
    answers = []
    for name, number in (
        ("Somebody Else", journey.cast.employer.number),
        (journey.cast.employer.typed, "499999"),
        (INACTIVE_NAME, INACTIVE_NUMBER),
    ):
        body = {"method": method["code"], "organization_name": name, "organization_number": number}
        answers.append(
            await portal.call(who, "linking", "POST", "/v1/links", json=body | {"capacity": "worker"}, expect=422)
        )
    told.shows(answers[0]["detail"])
    told.holds(
        answers[0] == answers[1] == answers[2] and answers[0]["code"] == "link_refused",
        "wrong name, number of nobody, inactive employer: the same refusal",
    )


async def first_person(journey: Journey, who: Someone, code: str) -> None:
    """The first person, with the code of the letter and the payroll, becomes the access administrator."""
    told, portal = journey.told, journey.portal
    employer = journey.cast.employer
    told.step(
        "Ajouter un employeur | La première personne devient l’administrateur de l’accès",
        f"{who.given_name} {who.family_name} types “{employer.typed}”, the number, the letter's code and the payroll.",
    )
    since = now()
    made = await claim(journey, who, employer, "worker", code=code)
    deadline = made["deadline"]  # a state too, but by the time it is read that may be "decided"
    told.holds(deadline > since.date().isoformat(), f"received, with a deadline that shows: {deadline}")
    decided = await settled(journey, who, made["claim_id"])
    told.arrived("linking → authorizations → linking: the claim is decided", since_then(since))
    told.shows(decided["message"])
    told.holds(decided["outcome"] == "administrator", "the first person is the access administrator")
    await portal.mail(who.email, since, "what became of the claim")
    await portal.mail(employer.address_on_file, since, "the news at the address on file")
    profile = await profile_at(journey, who, journey.employer_id)
    told.shows(f"{profile['organization']['name']}: {', '.join(one['name'] for one in profile['functions'])}")
    told.holds(profile["manages"], "MON EMPLOYEUR is there")
    machine = await portal.machine()
    told.holds(
        await may_write(journey.portal, machine, who, PAYMENTS, journey.employer_id), "and may act for the employer"
    )
