"""A mandate as it is shown over HTTP."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from chassis.database import Connection
from contracts.agency.mandates import MandateSide
from contracts.events import Language
from services.authorizations.actors import person_name
from services.authorizations.mandates import storage
from services.authorizations.mandates.domain import AddressState, AskedMandate, Mandate, Origin
from services.authorizations.personal.domain import Personal, PersonName
from services.authorizations.personal.storage import descriptions
from services.authorizations.requests.domain import Request


class SideView(BaseModel):
    """One of the two who sign. `email` is the address that the side proved to have, for agents and the side itself.

    `signed_at`: when it signed the text as it reads now.
    """

    side: MandateSide
    name: str
    signed_at: datetime | None
    address_state: AddressState
    address_reason: str | None
    email: str | None


class AskedMandateView(BaseModel):
    """What a mandate asks for beside a subject for somebody: by whom, who has signed, and which answers led to it."""

    profession: str
    text_version: int
    sides: list[SideView]
    questionnaire_id: str | None
    answers: Mapping[str, str]
    renews: UUID | None
    origin: Origin


async def asked(
    connection: Connection, request: Request, language: Language, *, shows_addresses: bool
) -> AskedMandateView:
    """What a mandate's request asks for."""
    mandate = await storage.get(connection, request.request_id)
    assert mandate is not None  # made together
    persons = await descriptions(connection, [signer.side_id for signer in mandate.sides.values()])
    wanted = AskedMandate.model_validate(request.asked)
    return AskedMandateView(
        profession=wanted.profession,
        text_version=mandate.text_version,
        sides=sides(mandate, persons, language, seen=("professional", "delegate") if shows_addresses else ()),
        questionnaire_id=wanted.questionnaire.id if wanted.questionnaire else None,
        answers=wanted.questionnaire.answers if wanted.questionnaire else {},
        renews=wanted.renews,
        origin=wanted.origin,
    )


def sides(
    mandate: Mandate, persons: Mapping[UUID, Personal], language: Language, *, seen: tuple[MandateSide, ...]
) -> list[SideView]:
    """Both sides; `seen` are those whose address the reader may see."""
    shown = []
    for side, signer in mandate.sides.items():
        person = persons.get(signer.side_id)
        name = PersonName(person.family_name, person.given_name) if person else None
        shown.append(
            SideView(
                side=side,
                name=person_name(name, language),
                signed_at=signer.signed_at if mandate.has_signed(side) else None,
                address_state=signer.address_state,
                address_reason=signer.address_reason,
                email=person.email if person and side in seen else None,
            )
        )
    return shown
