"""What becomes true when a proposed relation, or the proposed end of one, is approved; and a proposal corrected."""

from chassis.outcomes import Refusal
from chassis.work import Work
from services.authorizations.managing.domain import Ending
from services.authorizations.organizations import storage as organizations
from services.authorizations.relations import domain as rules
from services.authorizations.relations import storage as relations
from services.authorizations.relations.domain import NewRelation
from services.authorizations.relations.recording import grant_relation
from services.authorizations.representations.domain import AskedEnd
from services.authorizations.representations.handlers import end_at_once
from services.authorizations.requests.domain import AskedGrants, Decision, NewText, Request
from services.authorizations.tools import Tools


async def begin(work: Work[Tools], request: Request, decision: Decision) -> Refusal | None:
    """The relation as it was proposed; refused when it is no longer possible, and may then be rejected or returned."""
    asked, holder_id = AskedGrants.model_validate(request.asked), request.asked_by_organization_id
    if request.organization_id is None or holder_id is None:
        return Refusal("unknown_organization")
    kind = (await organizations.one(work.connection, request.organization_id)).kind
    language = work.tools.agency.profile.default_language
    new = NewRelation(
        work.new_id(), "organization", holder_id, holder_id, request.organization_id, asked.type, asked.period,
        request_id=request.request_id,
    )  # fmt: skip
    refusal = rules.refuse_period(asked.period, work.today) or rules.refuse_subjects(
        work.tools.agency, kind, asked.chosen, work.today, language, delegated=False
    )
    if refusal:
        return refusal
    if await relations.overlaps(work.connection, new):
        return Refusal("already_held")
    await grant_relation(work, new, asked.chosen)
    for organization_id in (request.organization_id, holder_id):
        work.audit("relation_added", organization_id=organization_id, object_id=new.relation_id, holder=str(holder_id))
    return None


async def end(work: Work[Tools], request: Request, decision: Decision) -> Refusal | None:
    """The relation ends now; nothing is left to do when it has ended meanwhile."""
    asked = AskedEnd.model_validate(request.asked)
    for relation in await relations.get(work.connection, [asked.relation_id]):
        if relation.ended_at is None:
            work.take_time(after=relation.recorded_at)
            await end_at_once(work, relation, Ending(tells_person=False))  # the decision is told to both sides
    return None


async def correct(work: Work[Tools], request: Request, text: NewText) -> AskedGrants:
    """The relation as it is proposed now."""
    return AskedGrants.model_validate(request.asked).corrected(text.period, text.grants)
