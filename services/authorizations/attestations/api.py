"""GET /v1/attestations: what was attested of something, in the words that were shown."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

from chassis.gateway import router
from contracts.events import Language
from services.authorizations.actors import person_name
from services.authorizations.attestations.handlers import ReadAttested, read_attested
from services.authorizations.profile import Asking, AuthorizationsCall

routes = router()


class AttestedView(BaseModel):
    """A statement that a person ticked: its text in the language that was shown. `by` where the reader may know."""

    code: str
    version: int
    language: Language
    text: str
    attested_at: datetime
    contact_id: UUID | None
    by: str | None


class AttestedOfView(BaseModel):
    """What was attested of one object, the oldest first."""

    items: list[AttestedView]


@routes.get("/v1/attestations", summary="What was attested of a relation, a contact, a request, a list")
async def list_attestations(
    asker: Asking,
    call: AuthorizationsCall,
    object_id: Annotated[UUID, Query(description="The relation, contact, request or organization.")],
) -> AttestedOfView:
    """For those who manage either organization concerned, whoever ticked it, and agents, whose look is audited.

    Who ticked it is named to that person's own organization, and to agents.
    """
    read = await call.run(read_attested, ReadAttested(asker.acting, object_id))
    return AttestedOfView(
        items=[
            AttestedView(
                code=one.code,
                version=one.version,
                language=one.language,
                text=one.text,
                attested_at=one.at,
                contact_id=one.contact_id if one.account_id in read.persons else None,
                by=person_name(read.persons[one.account_id], call.language) if one.account_id in read.persons else None,
            )
            for one in read.attested
        ]
    )
