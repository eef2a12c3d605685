"""PATCH /v1/contacts/{id}: the form "Modifier les informations personnelles et les coordonnées … d'un contact"."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field

from chassis.fields import Body, Email, Name
from chassis.gateway import router
from chassis.versions import IfMatch, etag, stated_version
from contracts.authorizations import CorrectedItem, Telephone
from contracts.events import Language
from services.authorizations.bodies import Attachments, AttestedBody, TelephoneBody
from services.authorizations.corrections.domain import Correction, Part
from services.authorizations.corrections.handlers import Correct, correct
from services.authorizations.periods import FOREVER
from services.authorizations.profile import AuthorizationsCall, Profile, as_profile

routes = router()


class RelationEndBody(Body):
    """Another last day for one of the contact's relations; 9999-12-31 when no end is planned."""

    relation_id: UUID
    ends_on: date


class CorrectionBody(AttestedBody):
    """What the file shall say. A field that is absent stays as it is; `telephones` replaces the whole list.

    `parts` are the answers to "Que désirez-vous modifier?"; where given, nothing outside them may be sent.
    """

    parts: Annotated[list[Part], Field(max_length=3)] = Field(default_factory=list[Part])
    language: Language | None = None
    email: Email | None = None
    telephones: Annotated[list[TelephoneBody], Field(max_length=10)] | None = None
    family_name: Name | None = None
    given_name: Name | None = None
    relations: Annotated[list[RelationEndBody], Field(max_length=100)] = Field(default_factory=list[RelationEndBody])
    new_linking_code: bool = Field(False, description="The box « Émettre un nouveau code de liaison ».")
    attachments: Attachments = Field(default_factory=list[UUID])

    def correction(self) -> Correction:
        """The correction as the domain knows it; the last of two ends of one relation counts."""
        return Correction(
            language=self.language,
            email=self.email,
            telephones=None
            if self.telephones is None
            else [Telephone.model_validate(telephone.model_dump()) for telephone in self.telephones],
            family_name=self.family_name,
            given_name=self.given_name,
            ends={end.relation_id: None if end.ends_on == FOREVER else end.ends_on for end in self.relations},
            new_code=self.new_linking_code,
            parts=frozenset(self.parts),
        )


class CorrectedView(BaseModel):
    """What was corrected, and which mail tells the person: one with the new coordinates, or one without."""

    contact_id: UUID
    changed: list[CorrectedItem]
    mail: Literal["contact_corrected", "linking_coordinates"] | None = Field(
        description="Absent: the file has no e-mail address."
    )


@routes.patch(
    "/v1/contacts/{contact_id}",
    summary="Correct a contact, and send new linking coordinates",
    responses={429: {"description": "too_many_attempts, too_many_codes: wait as long as Retry-After says."}},
)
async def patch_contact(
    contact_id: UUID,
    body: CorrectionBody,
    acting: Profile,
    call: AuthorizationsCall,
    response: Response,
    if_match: IfMatch = None,
) -> CorrectedView:
    """By those who manage the contact's organization. Needs If-Match; answers the new ETag and Mandat-After."""
    corrected = await call.run(
        correct,
        Correct(
            by=as_profile(acting),
            contact_id=contact_id,
            version=stated_version(if_match),
            correction=body.correction(),
            ticked=body.ticked(call.language),
            attachments=body.attachments,
        ),
    )
    response.headers["ETag"] = etag(corrected.version)
    return CorrectedView(contact_id=contact_id, changed=list(corrected.changed), mail=corrected.mail)
