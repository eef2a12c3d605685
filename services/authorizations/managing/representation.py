"""An organization that acts for another is told what that one took back."""

from collections.abc import Collection

from chassis.work import Work
from contracts.notifications import RepresentationEndedMail
from services.authorizations import mailing
from services.authorizations.managing.questions import who_manage
from services.authorizations.organizations import storage as organizations
from services.authorizations.relations.domain import Relation
from services.authorizations.tools import Tools


async def tell_withdrawn(work: Work[Tools], relation: Relation, subjects: Collection[str] = ()) -> None:
    """Tell those who manage the organization that holds the relation: of these subjects, or of all of it."""
    named = await organizations.get(work.connection, {relation.organization_id, relation.holder_id})
    for reader in await who_manage(work, relation.holder_id):
        await mailing.tell(
            work, RepresentationEndedMail, mailing.to(reader.contact_id, reader), named[relation.holder_id],
            bound="managers", keeps=mailing.WARNING_KEEPS, client_name=named[relation.organization_id].legal_name,
            once=f"representation_ended:{relation.relation_id}:{reader.contact_id}:{work.now.isoformat()}",
            withdrawn=tuple(sorted(subjects)), ended_at=work.now,
        )  # fmt: skip
