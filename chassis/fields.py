"""Types of what callers may send: every text has bounds and holds no control character."""

import re
from typing import Annotated, Any

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from contracts.names import as_addresses_are_read, holds_link

# No control character, none that ends a line, and none that turns the direction of writing around: what a
# person reads in a mail or a list is what was sent.
PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]*$"

# Mail programs make a link of `example.com` too. "J.P. Roy" and "St. John" pass; "St.John" wants its space.
DOMAIN = re.compile(r"\w{2}\.\w{2}")


def line(longest: int, shortest: int = 1) -> Any:
    """One line of text, trimmed, of so many characters."""
    return StringConstraints(strip_whitespace=True, min_length=shortest, max_length=longest, pattern=PRINTABLE)


def _address(value: str) -> str:
    try:
        return validate_email(value, check_deliverability=False, allow_smtputf8=False).normalized
    except EmailNotValidError:
        raise PydanticCustomError("email", "not an e-mail address") from None


def _name(value: str) -> str:
    if holds_link(value) or DOMAIN.search(as_addresses_are_read(value)):
        raise PydanticCustomError("name", "not a person's name")
    return value


Name = Annotated[str, line(80), AfterValidator(_name)]
Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=254), AfterValidator(_address)]
Secret = Annotated[str, Field(min_length=1, max_length=512, repr=False)]
Reference = Annotated[str, line(64)]


class Body(BaseModel):
    """A request body: unknown fields are refused, because a misspelled one would be ignored in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)
