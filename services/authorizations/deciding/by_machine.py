"""Mandates that a machine may approve in an agent's place: the agency's data say whether, and of which services.

It approves what leaves nothing to judge, and leaves everything else to agents, as it was. Each text is looked at once.
"""

from uuid import UUID

from chassis.work import Unit, Work
from services.authorizations.addresses.domain import Giver
from services.authorizations.addresses.handlers import judge
from services.authorizations.contacts import storage as contacts
from services.authorizations.deciding.ending import settle
from services.authorizations.deciding.kinds import kind_of
from services.authorizations.mandates import storage
from services.authorizations.mandates.domain import AskedMandate, Mandate
from services.authorizations.mandates.locking import locked
from services.authorizations.personal.storage import descriptions
from services.authorizations.requests.domain import Decision, Request, refuse_undecidable
from services.authorizations.reviews.candidates import is_like_one_at_home
from services.authorizations.tools import Tools


async def to_look_at(unit: Unit[Tools], limit: int) -> list[UUID]:
    """Mandates that a machine may approve as far as their service says, the oldest first; none where none may."""
    rule = unit.tools.agency.mandates
    if rule is None or not rule.machine.approves:
        return []
    today = unit.tools.moment(unit.origin.clock()).day
    return await storage.for_machine(unit.pool, rule.machine.services, today, limit)


async def approve_by_rule(work: Work[Tools], request_id: UUID) -> None:
    """Approve a mandate that waits, where the rule says so and nothing about it is doubtful.

    The platform decides, by name: audit, event and view say so, and the audit names the rule.
    """
    found = await locked(work, request_id)
    if found is None or refuse_undecidable(found[0], work.today) or found[0].holder(work.now) is not None:
        return
    request, mandate = found
    await storage.note_looked_at(work.connection, request_id, request.version)
    doubt = await _doubt(work, request, mandate)
    if doubt is None:
        work.rule = f"machine:{request.asked['subject']}"
        if await kind_of(request).carry_out(work, request, Decision("approve")) is None:
            await settle(work, request, "approve", None)
            return
        doubt = "not_carried_out"
    work.audit(
        "mandate_left_to_agents", organization_id=request.organization_id, object_id=request_id, doubt=doubt
    )  # fmt: skip


async def _doubt(work: Work[Tools], request: Request, mandate: Mandate) -> str | None:
    """What an agent has to look at; None: nothing."""
    asked, organization_id = AskedMandate.model_validate(request.asked), request.organization_id
    rule = work.tools.agency.mandates
    if rule is None or not rule.machine.approves or asked.subject not in rule.machine.services:
        return "service"
    if not mandate.is_complete or asked.origin != "screen" or organization_id is None:
        return "incomplete"
    service = rule.by_subject.get(asked.subject)
    professional = mandate.professional.contact_id
    if service is None or professional is None or asked.profession not in service.professions:
        return "not_eligible"
    eligible = await contacts.with_functions(
        work.connection, work.now, work.today, organization_id, [asked.profession]
    )  # fmt: skip
    if asked.type not in service.roles or professional not in {contact.contact_id for contact in eligible}:
        return "not_eligible"
    return await _doubt_of_persons(work, request, mandate, organization_id)


async def _doubt_of_persons(work: Work[Tools], request: Request, mandate: Mandate, organization_id: UUID) -> str | None:
    owners = {side: signer.side_id for side, signer in mandate.sides.items()}
    persons = await descriptions(work.connection, owners.values())
    given = {side: persons[owner] for side, owner in owners.items() if owner in persons}
    for side, person in given.items():
        signer = mandate.sides[side]
        giver = Giver(
            request.request_id, signer.account_id, signer.contact_id, person.family_name, person.given_name
        )  # fmt: skip
        others = [other.email for name, other in given.items() if name != side and other.email]
        if person.email is None or await judge(work, person.email, giver, others):
            return "address"
    delegate = given["delegate"]
    known = [
        await contacts.find_same(work.connection, organization_id, delegate, linked=linked) for linked in (True, False)
    ]
    if not any(known) and await is_like_one_at_home(work, organization_id, delegate):
        return "duplicate"
    return None
