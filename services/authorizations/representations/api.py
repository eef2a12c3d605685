"""Relations between two organizations: adding or proposing one, adding to it, ending it or asking for its end."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Response
from pydantic import Field

from chassis.fields import Body, Reference
from chassis.gateway import ONCE, router
from contracts.imports import OrganizationKey
from services.authorizations.bodies import AttestedBody, GrantingBody, Grants, grants
from services.authorizations.instants import today
from services.authorizations.profile import AuthorizationsCall, Profile, as_profile
from services.authorizations.representations.handlers import (
    EndRelation,
    Relate,
    end_relation,
    relate,
)
from services.authorizations.requests.answers import RelatedView, related

routes = router()


class OtherOrganizationBody(Body):
    """An organization by its number, which is unique within its kind."""

    kind: Reference
    number: Annotated[str, Field(min_length=1, max_length=20, pattern="^[0-9A-Za-z-]+$")]


class RepresentationBody(GrantingBody):
    """The form "Ajouter une relation entre organisations"."""

    other: OtherOrganizationBody
    type: Reference
    subjects: Grants


class EndBody(AttestedBody):
    """The form "Mettre fin à une relation entre organisations". No subjects: the whole relation."""

    subjects: Annotated[list[Reference], Field(max_length=100)] = Field(default_factory=list[Reference])


ANSWERS: dict[int | str, dict[str, Any]] = {
    202: {"model": RelatedView, "description": "Others decide; the same answer whether or not the number exists."},
    429: {"description": "too_many_attempts: wait as long as Retry-After says."},
}


@routes.post(
    "/v1/organizations/{organization_id}/relations",
    status_code=201,
    summary="Add, or propose, a relation with another organization",
    responses=ANSWERS,
    dependencies=[ONCE],
)
async def post_relation(
    organization_id: UUID, body: RepresentationBody, acting: Profile, call: AuthorizationsCall, response: Response
) -> RelatedView:
    """From the organization acted for it takes effect (201); from the holder it is a request (202)."""
    made = await call.make(
        relate,
        Relate(
            by=as_profile(acting),
            organization_id=organization_id,
            other=OrganizationKey(kind=body.other.kind, number=body.other.number),
            type=body.type,
            period=body.period(today(call)),
            grants=grants(body.subjects),
            ticked=body.ticked(call.language),
            language=call.language,
        ),
    )
    return await related(call, made, response)


@routes.post(
    "/v1/relations/{relation_id}/end",
    summary="End, or ask to end, a relation",
    responses={202: ANSWERS[202]},
    dependencies=[ONCE],
)
async def post_end(
    relation_id: UUID, body: EndBody, acting: Profile, call: AuthorizationsCall, response: Response
) -> RelatedView:
    """From the organization acted for it takes effect at once (200); from the holder it is a request (202)."""
    made = await call.make(
        end_relation,
        EndRelation(
            by=as_profile(acting), relation_id=relation_id, subjects=body.subjects, ticked=body.ticked(call.language)
        ),
    )
    return await related(call, made, response)
