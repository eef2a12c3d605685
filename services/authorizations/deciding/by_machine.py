"""Mandates that a machine may approve in an agent's place: the agency's data say whether, and of which services.

It approves what leaves nothing to judge, and leaves everything else to agents, as it was. Each text is looked at once.
"""

from uuid import UUID

from chassis.work import Unit, Work
from services.authorizations import metrics
from services.authorizations.contacts import storage as contacts
from services.authorizations.deciding.ending import settle
from services.authorizations.deciding.kinds import kind_of
from services.authorizations.mandates import storage
from services.authorizations.mandates.domain import AskedMandate, Mandate
from services.authorizations.mandates.locking import locked
from services.authorizations.mandates.recognizing import contact_of
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
        refusal = await kind_of(request).carry_out(work, request, Decision("approve"))
        if refusal is None:
            await settle(work, request, "approve", None)
            return
        doubt = refusal.code
    work.afterwards(metrics.LEFT_TO_AGENTS.labels(doubt).inc)
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
    if mandate.text_version > 1 or await storage.was_judged(work.connection, request.request_id):
        return "with_agents_before"  # they returned it, or refused an address of it
    service = rule.by_subject.get(asked.subject)
    professional = mandate.professional.contact_id
    if service is None or professional is None or asked.profession not in service.professions:
        return "not_eligible"
    eligible = await contacts.with_functions(
        work.connection, work.now, work.today, organization_id, [asked.profession]
    )  # fmt: skip
    if asked.type not in service.roles or professional not in {contact.contact_id for contact in eligible}:
        return "not_eligible"
    return await _doubt_of_person(work, asked, mandate, organization_id)


async def _doubt_of_person(
    work: Work[Tools], asked: AskedMandate, mandate: Mandate, organization_id: UUID
) -> str | None:
    """Whoever is new there may be a contact already, differently described: the rest, an approval looks at itself."""
    person = (await descriptions(work.connection, [mandate.delegate.side_id])).get(mandate.delegate.side_id)
    if person is None or person.email is None:
        return "incomplete"
    known = await contact_of(work, organization_id, asked, mandate, person)
    if known is None and await is_like_one_at_home(work, organization_id, person):
        return "duplicate"
    return None
