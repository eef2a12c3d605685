"""GET /.well-known/jwks.json and POST /oauth2/token."""

from typing import Annotated, Any

from fastapi import Header, Request, Response, Security
from fastapi.openapi.models import HTTPBase
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from chassis.described import Scheme
from chassis.gateway import router
from services.accounts.metrics import MACHINE_TOKENS
from services.accounts.tokens import domain, handlers, signing
from services.accounts.tools import AccountsCall

routes = router(json_only=False)

KEYS_MAY_BE_CACHED = 300  # seconds; services fetch them as often, and at once for a key they do not know
FORM = "application/x-www-form-urlencoded"

TOKEN_REQUEST = {
    "requestBody": {
        "required": True,
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "required": ["grant_type"],
                    "properties": {
                        "grant_type": {"type": "string", "enum": ["client_credentials"]},
                        "scope": {"type": "string", "description": "Separated by spaces; absent: all."},
                        "client_id": {"type": "string"},
                        "client_secret": {"type": "string", "format": "password"},
                    },
                }
            }
        },
    }
}

CREDENTIALS = Scheme("client", HTTPBase(scheme="basic", description="A system's client_id and client_secret."))


class KeySet(BaseModel):
    """A JWK Set (RFC 7517), the newest key first."""

    keys: list[dict[str, Any]]


class MachineToken(BaseModel):
    """RFC 6749 5.1."""

    access_token: str = Field(repr=False)
    token_type: str = "Bearer"  # noqa: S105, the name of the scheme
    expires_in: int = Field(description="Seconds.", examples=[300])
    scope: str = Field(examples=["access:check"])


class OAuthProblem(BaseModel):
    """RFC 6749 5.2."""

    error: str = Field(examples=["invalid_client"])
    error_description: str


@routes.get("/.well-known/jwks.json", summary="The keys that verify access tokens", tags=["tokens"])
async def keys(call: AccountsCall, response: Response) -> KeySet:
    """For every service, and for an agency's own systems that take our tokens. No authentication; cacheable."""
    found = await call.run(handlers.published_keys, None)
    response.headers["Cache-Control"] = f"public, max-age={KEYS_MAY_BE_CACHED}"
    return KeySet(keys=found)


@routes.post(
    "/oauth2/token",
    summary="A token for another system of the agency",
    tags=["tokens"],
    response_model=MachineToken,
    responses={400: {"model": OAuthProblem}, 401: {"model": OAuthProblem}},
    openapi_extra=TOKEN_REQUEST,
    dependencies=[Security(CREDENTIALS)],
)
async def token(
    call: AccountsCall, request: Request, authorization: Annotated[str | None, Header(include_in_schema=False)] = None
) -> Response:
    """OAuth 2.0 client credentials (RFC 6749 4.4), with client_secret_basic or client_secret_post.

    Errors have OAuth's shape, not that of problem details: invalid_request, invalid_client, unsupported_grant_type,
    invalid_scope.
    """
    try:
        if request.headers.get("content-type", "").split(";")[0].strip().lower() != FORM:
            raise domain.OAuthError("invalid_request", f"Send the body as {FORM}.")
        form = domain.read_form(await request.body())
        machine = domain.authenticated(call.tools.machines, domain.credentials(authorization, form))
        scopes = domain.granted(machine, form)
    except domain.OAuthError as error:
        MACHINE_TOKENS.labels(error.code).inc()
        return _refused(error)
    issued = await call.run(handlers.issue_machine_token, handlers.IssueMachineToken(machine.client_id, scopes))
    MACHINE_TOKENS.labels("issued").inc()
    seconds = int(signing.LIFE.total_seconds())
    content = MachineToken(access_token=issued, expires_in=seconds, scope=" ".join(scopes))
    return JSONResponse(content.model_dump())


def _refused(error: domain.OAuthError) -> JSONResponse:
    content = OAuthProblem(error=error.code, error_description=error.description).model_dump()
    if error.code != "invalid_client":
        return JSONResponse(content, status_code=400)
    return JSONResponse(content, status_code=401, headers={"WWW-Authenticate": 'Basic realm="mandat"'})
