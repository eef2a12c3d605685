"""What is drawn for people: one-time codes, user names, temporary passwords, and the handles of the mails."""

import secrets
from typing import Annotated

from pydantic import AfterValidator, Field

from contracts.agency.mandates import UserNameShape

CODE_DIGITS = 6  # ASVS 5.0 6.5.4 asks for 20 bits; the agency's count of tries carries it

TOKEN_BYTES = 16  # 128 bits (ASVS 5.0 7.2.3), short enough for a mail to show the link on one line

# As the mail shows it, copied with whatever stands between the two groups: a space, a no-break space, a hyphen.
GROUPED = "^[0-9]{3}[ \u00a0\u202f-]?[0-9]{3}$"


def _digits(code: str) -> str:
    return "".join(character for character in code if character.isascii() and character.isdigit())


SubmittedCode = Annotated[str, Field(pattern=GROUPED, examples=["042917", "042 917"]), AfterValidator(_digits)]
"""A code as somebody types or copies it; its value is the digits alone."""


def new_code() -> str:
    """Digits that nobody can foresee, leading zeros included."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


SubmittedToken = Annotated[str, Field(min_length=22, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
"""What stood in a mail's link, as its page read it."""


def new_token() -> str:
    """What a mail's link carries in its fragment."""
    return secrets.token_urlsafe(TOKEN_BYTES)


TYPED_ALIKE = "23456789abcdefghjkmnpqrstuvwxyz"
"""What a person reads off and types: no 0 beside o, no 1 beside i and l; capitals count as their small letters."""

PASSWORD_GROUPS, IN_GROUP = 4, 4  # 16 of 31 signs: 79 bits, more than the least length of passwords asks for


def new_temporary_password() -> str:
    """In groups, as its mail shows it."""
    groups = ("".join(secrets.choice(TYPED_ALIKE) for _ in range(IN_GROUP)) for _ in range(PASSWORD_GROUPS))
    return "-".join(groups)


def temporary_as_typed(password: str) -> str:
    """What a temporary password is compared by, however its groups and letters were copied."""
    return "".join(character for character in password.lower() if character.isascii() and character.isalnum())


def new_user_name(shape: UserNameShape) -> str:
    """A user name that says nothing of whoever it is given to, and that nobody can foresee."""
    return f"{shape.prefix}{secrets.randbelow(10**shape.digits):0{shape.digits}}"


def no_code() -> str:
    """Rests in the place of a code when none was sent: comparing costs the same, and no code is equal to it."""
    return f"none {secrets.token_urlsafe(16)}"


def new_handle() -> str:
    """A delivery handle: whoever holds it may ask whether the mail went out."""
    return secrets.token_urlsafe(24)
