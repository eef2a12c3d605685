"""The client credentials grant (RFC 6749 4.4): who asks, and for what. Pure, with OAuth's own errors."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, unquote_plus

from services.accounts.settings import MachineClient

MOST_FIELDS = 20  # of a form; the grant has four
NO_DIGEST = "0" * 64  # compared for unknown clients: no SHA-256 that anybody knows a preimage of

OAuthErrorCode = Literal["invalid_request", "invalid_client", "unsupported_grant_type", "invalid_scope"]


class OAuthError(Exception):
    """RFC 6749 5.2. `description` is ASCII for the developer of the calling system."""

    def __init__(self, code: OAuthErrorCode, description: str) -> None:
        super().__init__(code)
        self.code = code
        self.description = description


@dataclass(frozen=True)
class Credentials:
    """What a system presents."""

    client_id: str
    secret: str = field(repr=False)


def read_form(body: bytes) -> dict[str, str]:
    """The form's fields. Raises OAuthError: a field twice (RFC 6749 3.2), or no form at all."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, strict_parsing=True)
    except ValueError:
        raise OAuthError("invalid_request", "The body is not a form.") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise OAuthError("invalid_request", "A parameter stands twice.")
    return form


def credentials(authorization: str | None, form: Mapping[str, str]) -> Credentials:
    """From the header (client_secret_basic) or from the form (client_secret_post), never both (RFC 6749 2.3).

    Raises OAuthError.
    """
    if authorization is None:
        if "client_id" not in form or "client_secret" not in form:
            raise OAuthError("invalid_client", "Authenticate by HTTP Basic, or send client_id and client_secret.")
        return Credentials(form["client_id"], form["client_secret"])
    if "client_secret" in form:
        raise OAuthError("invalid_request", "Authenticate in one way only.")
    scheme, _, encoded = authorization.partition(" ")
    try:
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:  # binascii.Error and UnicodeDecodeError among them
        raise OAuthError("invalid_client", "The Authorization header cannot be read.") from None
    if scheme.lower() != "basic" or not colon:
        raise OAuthError("invalid_client", "The Authorization header cannot be read.")
    return Credentials(unquote_plus(client_id), unquote_plus(secret))


def authenticated(machines: Sequence[MachineClient], presented: Credentials) -> MachineClient:
    """The system whose secret this is, compared in constant time; it may have two while one takes the other's place.

    Raises OAuthError, the same for an unknown system.
    """
    digest = hashlib.sha256(presented.secret.encode()).hexdigest()
    named = [machine for machine in machines if machine.client_id == presented.client_id]
    right = [machine for machine in named if hmac.compare_digest(digest, machine.secret_digest)]
    if not named:
        hmac.compare_digest(digest, NO_DIGEST)
    if not right:
        raise OAuthError("invalid_client", "The client or its secret is wrong.")
    return right[0]


def granted(machine: MachineClient, form: Mapping[str, str]) -> tuple[str, ...]:
    """The scopes that a token gets: those asked for, or without a wish all that the system has. Raises OAuthError."""
    match form.get("grant_type"):
        case None:
            raise OAuthError("invalid_request", "grant_type is missing.")
        case "client_credentials":
            pass
        case _:
            raise OAuthError("unsupported_grant_type", "Only client_credentials is supported here.")
    wanted = tuple(dict.fromkeys(form.get("scope", "").split()))
    if not set(wanted) <= set(machine.scopes):
        raise OAuthError("invalid_scope", "The client may not have every scope it asks for.")
    return wanted or machine.scopes
