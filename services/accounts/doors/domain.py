"""Whom a door lets register, and what its issuer says of a person: plain functions of their arguments."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from chassis.fields import Email, Name, line
from chassis.outcomes import Refusal
from contracts.agency import Agency
from contracts.agency.accounts import Door
from contracts.events import Language

LONGEST_CLAIM = 255
"""Characters (OpenID Connect Core 1.0, section 2, of a subject)."""


class Claims(BaseModel):
    """What an account needs of an ID token, held to what a person who registers here may write."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    iss: Annotated[str, line(LONGEST_CLAIM)]
    sub: Annotated[str, line(LONGEST_CLAIM)]
    email: Email
    given_name: Name
    family_name: Name


@dataclass(frozen=True)
class Identity:
    """A person as an ID token names it (OpenID Connect Core 1.0, sections 2 and 5.1). `email` was verified there."""

    issuer: str
    subject: str
    email: str = field(repr=False)
    given_name: str = field(repr=False)
    family_name: str = field(repr=False)
    language: Language
    digest: bytes = field(repr=False)
    expires_at: datetime


def refuse_registration(agency: Agency, code: str | None, today: date) -> Refusal | None:
    """A door must be one of the agency's, and one by which accounts are asked for here. None names the first."""
    door = agency.doors.get(code) if code is not None else agency.first_door
    if door is None or not door.in_force(today):
        return Refusal("unknown_door", fields=("door",))
    if door.issuer is not None:
        return Refusal("door_has_issuer", {"issuer": door.issuer.issuer}, fields=("door",))
    return None


def with_issuer(agency: Agency, code: str, today: date) -> Door | Refusal:
    """A door by which people come who are signed in by its issuer."""
    door = agency.doors.get(code)
    return door if door is not None and door.in_force(today) and door.issuer is not None else Refusal("not_found")


def identity(claims: Mapping[str, Any], digest: bytes, default_language: Language) -> Identity | None:
    """The person that verified claims name; None when they lack what an account needs, or the address is unverified."""
    try:
        said = Claims.model_validate(claims)
    except ValidationError:
        return None
    if claims.get("email_verified") is not True:
        return None
    locale = str(claims.get("locale", default_language))[:2].lower()
    language: Language = "fr" if locale == "fr" else "en" if locale == "en" else default_language
    expires_at = datetime.fromtimestamp(claims["exp"], UTC)
    return Identity(said.iss, said.sub, said.email, said.given_name, said.family_name, language, digest, expires_at)
