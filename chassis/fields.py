"""Types of what callers may send: every text has bounds and holds no control character."""

from typing import Annotated, Any

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from contracts.written_by_strangers import PRINTABLE, holds_address


def line(longest: int, shortest: int = 1) -> Any:
    """One line of text, trimmed, of so many characters."""
    return StringConstraints(strip_whitespace=True, min_length=shortest, max_length=longest, pattern=PRINTABLE)


def _address(value: str) -> str:
    try:
        return validate_email(value, check_deliverability=False, allow_smtputf8=False).normalized
    except EmailNotValidError:
        raise PydanticCustomError("email", "not an e-mail address") from None


def mailbox(address: str) -> str:
    """What mails to an address are counted by: without case and +tag, which lead to one mailbox however they vary."""
    local, _, host = address.strip().lower().rpartition("@")
    return f"{local.partition('+')[0]}@{host}"


def _name(value: str) -> str:
    if holds_address(value):
        raise PydanticCustomError("name", "not a person's name")
    return value


Name = Annotated[str, line(80), AfterValidator(_name)]
Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=254), AfterValidator(_address)]
Secret = Annotated[str, Field(min_length=1, max_length=512, repr=False)]
Reference = Annotated[str, line(64)]


class Body(BaseModel):
    """A request body: unknown fields are refused, because a misspelled one would be ignored in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)
