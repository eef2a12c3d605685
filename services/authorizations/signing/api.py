"""Signing a mandate over HTTP, by the professional or by the delegate with a mail's token; the page, the document."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Header, Request, Response
from pydantic import BaseModel, Field, StringConstraints, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from chassis.fields import Body, Name
from chassis.gateway import ONCE, router
from chassis.outcomes import Refusal
from chassis.problems import ProblemRaised
from contracts.agency.forms import Attestation
from contracts.agency.mandates import MandateSide
from contracts.events import Language, Level
from services.authorizations.access.domain import AsProfile
from services.authorizations.actors import person_name
from services.authorizations.answers import OrganizationView
from services.authorizations.bodies import AttestedBody
from services.authorizations.mandates import storage
from services.authorizations.mandates.domain import AddressState
from services.authorizations.periods import FOREVER
from services.authorizations.personal.domain import PersonName
from services.authorizations.profile import AuthorizationsCall, Looking, SignedIn
from services.authorizations.requests.domain import State
from services.authorizations.signatures.domain import Method
from services.authorizations.signatures.handlers import ReadSignature
from services.authorizations.signing.document import POLICY, page
from services.authorizations.signing.handlers import (
    SignAsDelegate,
    SignAsProfessional,
    sign_as_delegate,
    sign_as_professional,
)
from services.authorizations.signing.page import OpenPage, Page, open_page
from services.authorizations.signing.reading import Document, DocumentByToken, ReadDocument, by_token, read_document

routes = router()

PASSWORD, ADDRESS = "mandate_signature", "mandate_address"  # what the proofs are for
HTML = "text/html"

Token = Annotated[str, StringConstraints(min_length=20, max_length=200, pattern=r"^[0-9A-Za-z._-]+$")]
Proof = Annotated[str, StringConstraints(min_length=1, max_length=4096, pattern=r"^[0-9A-Za-z._-]+$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Accept = Annotated[str, Header(description="`text/html`: a page to be printed.")]


class SignerBody(Body):
    """The user section: the person as the mandate names them."""

    family_name: Name
    given_name: Name


class SignatureBody(AttestedBody):
    """One side signs the text as it reads now.

    The professional: `proof` (POST /v1/proofs of accounts for `mandate_signature`, on the digest of the text or of a
    list), and an `address_proof` where the address is to be another than the account's. The delegate: the `token` of
    the mail, the `digest` of the text that the page showed, the `person`, and an `address_proof` (POST
    /v1/address-proofs for `mandate_address`): always one, which is how a person without an account signs, whether the
    address was verified before or not.
    """

    proof: Proof | None = Field(None, repr=False)
    token: Token | None = Field(None, repr=False)
    digest: Digest | None = Field(None, validate_default=True)
    person: SignerBody | None = Field(None, repr=False, validate_default=True)
    address_proof: Proof | None = Field(None, repr=False, validate_default=True)

    @field_validator("digest", "person", "address_proof")
    @classmethod
    def _goes_with_a_token(cls, value: Any, info: ValidationInfo) -> Any:
        if value is None and info.data.get("token") is not None:
            raise PydanticCustomError("missing", "goes with a `token`")
        return value

    @model_validator(mode="after")
    def _of_one_side(self) -> Self:
        if self.token is None and (self.proof is None or self.digest is not None or self.person is not None):
            raise ValueError("the professional sends `proof`; with a `token` go `digest`, `person` and `address_proof`")
        if self.token is not None and self.proof is not None:
            raise ValueError("no `proof` goes with a `token`")
        return self


class TokenBody(Body):
    """The token of a mail's link, as it stands after the #."""

    token: Token = Field(repr=False)


class SignedView(BaseModel):
    """A signature that was kept, and where it leaves the mandate: `submitted` once nothing is missing."""

    signature_id: UUID
    state: State
    waits_for: list[str] = Field(description="professional, delegate: a signature. …_address: one that is verified.")


class StatementView(BaseModel):
    """A statement to be ticked."""

    code: str
    version: int
    text: str


class PageView(BaseModel):
    """A mandate as the reader of a mail signs it. `text` is what is signed, in `language`; `digest` is its SHA-256."""

    mandate_id: UUID
    side: MandateSide
    state: State
    organization_name: str
    professional_name: str
    delegate_name: str
    service: str
    service_name: str
    level: Level
    function_name: str
    starts_on: date
    ends_on: date
    lapses_on: date
    language: Language
    text: str
    digest: str
    attestations: list[StatementView]
    signed: bool
    address_state: AddressState


class SignatureView(BaseModel):
    """A signature in the words that were shown. `network_address` and `email` show to agents alone.

    `signed_in`: the person was signed in to an account that is known here, which an approval gives what was mandated.
    Of a person who was erased nothing shows but that, and when, they signed.
    """

    signature_id: UUID
    side: MandateSide
    text_version: int
    method: Method
    signed_in: bool
    language: Language
    signed_at: datetime
    voided_at: datetime | None
    name: str | None
    text: str | None
    digest: str | None
    attestations: list[StatementView]
    verified_at: datetime | None
    email: str | None
    network_address: str | None
    intact: bool | None


class DocumentView(BaseModel):
    """What was signed of a mandate. `intact`: nothing was changed since; null: the audit that proves it is too old."""

    mandate_id: UUID
    organization: OrganizationView
    state: State
    text_version: int
    signatures: list[SignatureView]
    intact: bool | None


@routes.post("/v1/mandates/{mandate_id}/signatures", status_code=201, summary="Sign a mandate", dependencies=[ONCE])
async def post_signature(
    request: Request, mandate_id: UUID, body: SignatureBody, signer: SignedIn, call: AuthorizationsCall
) -> SignedView:
    """By the professional, with the password given again; or by the delegate, who needs no account.

    What is signed is what was read: `proof` or `digest` names the text. Of another one, mandate_text_changed (409) and
    proof_refused (422) sign nothing.

    A delegate who has one sends its access token beside the mail's, without a profile, and keeps it if it was ever
    linked: what an approval gives is that account's, and no other credential is made. Problems:
    mandate_account_of_another (422; sign out, or sign in as whom the text names), mandate_same_person (403).
    """
    person, profile = signer
    host = request.client.host if request.client else ""
    address = None if body.address_proof is None else call.proven(body.address_proof, ADDRESS, "address_proof")
    ticked = body.ticked(call.language)
    if body.token is not None:
        assert body.digest and body.person and address  # the body was checked
        name = PersonName(body.person.family_name, body.person.given_name)
        account_id = person.account_id if person is not None else None
        signature_id = await call.create(
            sign_as_delegate,
            SignAsDelegate(mandate_id, body.token, account_id, body.digest, name, address, ticked, host),
        )
    else:
        if person is None:
            raise ProblemRaised(Refusal("not_authenticated"))
        if profile is None:
            raise ProblemRaised(Refusal("profile_required", fields=("Mandat-Profile",)))
        assert body.proof is not None
        proof = call.proven(body.proof, PASSWORD)
        by = AsProfile(person.account_id, profile)
        signature_id = await call.create(
            sign_as_professional, SignAsProfessional(by, mandate_id, proof, address, ticked, host)
        )
    return await _signed(call, mandate_id, signature_id)


@routes.post("/v1/mandates/{mandate_id}/page", summary="What a mail's link leads to")
async def post_page(mandate_id: UUID, body: TokenBody, call: AuthorizationsCall) -> PageView:
    """The mandate as its reader would sign it, or did. Consumes nothing; nobody need be signed in.

    Whoever has an account that was ever linked may sign in before signing, and keeps it.
    """
    return _page(call, await call.run(open_page, OpenPage(mandate_id, body.token)))


PRINTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "With `Accept: text/html` ready to be printed.",
        "content": {HTML: {"schema": {"type": "string"}}},
    }
}


@routes.get(
    "/v1/mandates/{mandate_id}/document", summary="The signed mandate", response_model=DocumentView, responses=PRINTED
)
async def get_document(mandate_id: UUID, looker: Looking, call: AuthorizationsCall, accept: Accept = "") -> Any:
    """For those who manage the organization, the delegate, and agents, whose look is audited."""
    document = await call.run(read_document, ReadDocument(looker, mandate_id))
    return _answer(call, document, accept)


@routes.post(
    "/v1/mandates/{mandate_id}/document", summary="The same by a mail's token", response_model=DocumentView,
    responses=PRINTED,
)  # fmt: skip
async def post_document(mandate_id: UUID, body: TokenBody, call: AuthorizationsCall, accept: Accept = "") -> Any:
    """For whoever has no account, as long as the mail's link leads to the mandate. Consumes nothing."""
    document = await call.run(by_token, DocumentByToken(mandate_id, body.token))
    return _answer(call, document, accept)


async def _signed(call: AuthorizationsCall, mandate_id: UUID, signature_id: UUID) -> SignedView:
    async with call.gateway.unit.pool.acquire() as connection:
        mandate = await storage.get(connection, mandate_id)
        state = await connection.fetchval("select state from requests where request_id = $1", mandate_id)
    assert mandate is not None  # it was signed
    waits = [side for side in ("professional", "delegate") if not mandate.has_signed(side)]
    waits += [f"{side}_address" for side, signer in mandate.sides.items() if signer.address_state != "verified"]
    return SignedView(signature_id=signature_id, state=state, waits_for=waits)


def _statements(attestations: Sequence[Attestation], language: Language) -> list[StatementView]:
    return [StatementView(code=a.code, version=a.version, text=a.text.in_(language)) for a in attestations]


def _page(call: AuthorizationsCall, found: Page) -> PageView:
    agency, language = call.tools.agency, found.mandate.language_of(found.side)
    day = call.tools.moment(call.gateway.unit.origin.clock()).day
    return PageView(
        mandate_id=found.request.request_id,
        side=found.side,
        state=found.request.state_on(day),
        organization_name=found.organization.legal_name,
        professional_name=person_name(found.professional, language),
        delegate_name=person_name(found.delegate, language),
        service=found.asked.subject,
        service_name=agency.subjects[found.asked.subject].name.in_(language),
        level=found.asked.level,
        function_name=agency.relation_types[found.asked.type].name.in_(language),
        starts_on=found.asked.starts_on,
        ends_on=found.asked.ends_on or FOREVER,
        lapses_on=found.request.lapses_on,
        language=language,
        text=found.text,
        digest=found.digest,
        attestations=_statements(found.attestations, language),
        signed=found.mandate.has_signed(found.side),
        address_state=found.mandate.sides[found.side].address_state,
    )


def _answer(call: AuthorizationsCall, document: Document, accept: str) -> Response | DocumentView:
    unit = call.gateway.unit
    if HTML in accept:
        content = page(call.tools.agency, document.sides, document.intact, call.language, unit.origin.time_zone)
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
        return Response(content, media_type=HTML, headers=headers)
    day = call.tools.moment(unit.origin.clock()).day
    organization = OrganizationView(
        organization_id=document.organization.organization_id, name=document.organization.legal_name
    )
    return DocumentView(
        mandate_id=document.request.request_id,
        organization=organization,
        state=document.request.state_on(day),
        text_version=document.mandate.text_version,
        signatures=[_signature(read, for_agents=document.is_for_agents) for read in document.shown],
        intact=document.intact,
    )


def _signature(read: ReadSignature, *, for_agents: bool) -> SignatureView:
    signature, contents = read.signature, read.contents
    statements = contents.attestations if contents else ()
    return SignatureView(
        signature_id=signature.signature_id,
        side=signature.side,
        text_version=signature.text_version,
        method=signature.method,
        signed_in=signature.account_id is not None and signature.method != "paper",
        language=signature.language,
        signed_at=signature.signed_at,
        voided_at=signature.voided_at,
        name=contents.name if contents else None,
        text=contents.text if contents else None,
        digest=contents.digest if contents else None,
        attestations=[StatementView(code=a.code, version=a.version, text=a.text) for a in statements],
        verified_at=contents.verified_at if contents else None,
        email=contents.email if contents and for_agents else None,
        network_address=contents.network_address if contents and for_agents else None,
        intact=read.intact,
    )
