"""A side signs: the professional with the password given again, the delegate by a mail's token and a proven address.

Everything that concerns one organization waits for its lock, so of two that sign at once the second sees the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from chassis.fields import mailbox
from chassis.outcomes import Refusal
from chassis.proofs import Proven
from chassis.work import Work
from contracts.agency.forms import Attestation
from contracts.agency.mandates import MandateSide
from services.authorizations.access import storage as access
from services.authorizations.access.domain import Acting, AsProfile
from services.authorizations.attestations.domain import Ticked
from services.authorizations.bindings import storage as bindings
from services.authorizations.mandate_addresses.handlers import accept_address
from services.authorizations.mandates import completing, mails, storage
from services.authorizations.mandates.domain import AskedMandate, Mandate
from services.authorizations.mandates.locking import locked
from services.authorizations.mandates.text import list_digest, read_all, read_text
from services.authorizations.personal import storage as personal_fields
from services.authorizations.personal.domain import PersonalChange, PersonName
from services.authorizations.request_tokens import handlers as request_tokens
from services.authorizations.requests.domain import Request
from services.authorizations.signatures import handlers as signatures
from services.authorizations.signatures import storage as proofs
from services.authorizations.signatures.domain import Contents, Shown, text_digest
from services.authorizations.signatures.handlers import Sign
from services.authorizations.signing import domain
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class SignAsProfessional:
    """With the password, given again for this text or for a list; `address` for the part of an approval that is sent.

    Without one the address that the account has verified is it.
    """

    by: AsProfile
    request_id: UUID
    proof: Proven
    address: Proven | None
    ticked: Sequence[Ticked]
    network_address: str = field(repr=False)


@dataclass(frozen=True)
class SignAsDelegate:
    """By the token of a mail, as the person who is named; `account_id`: signed in to it, and keeping it.

    `digest` is of the text that was read.
    """

    request_id: UUID
    token: str = field(repr=False)
    account_id: UUID | None
    digest: str
    person: PersonName = field(repr=False)
    address: Proven
    ticked: Sequence[Ticked]
    network_address: str = field(repr=False)


async def sign_as_professional(work: Work[Tools], command: SignAsProfessional) -> UUID | Refusal:
    """The professional signs, and the delegate is asked to. Returns the signature's id."""
    found = await locked(work, command.request_id)
    if found is None:
        return Refusal("not_found")
    request, mandate = found
    acting = await _professional(work, command.by, request, mandate)
    if isinstance(acting, Refusal):
        return acting
    text = await read_text(work, request, mandate, "professional")
    email = command.address.email if command.address is not None else await _verified(work, acting.account_id)
    statements = domain.attested(work.tools.agency, "professional", command.ticked)
    refusal = (
        domain.refuse_signature(request, mandate, "professional", work.today)
        or domain.refuse_password(command.proof, acting.account_id)
        or await _refuse_other_text(work, mandate, command.proof.digest, text)
        or await _refuse_same_person(work, request, mandate, "professional", acting.account_id, email)
        or (statements if isinstance(statements, Refusal) else None)
        or await _use(work, request.request_id, command.address)
        or (await accept_address(work, request, mandate, "professional", email) if email is not None else None)
        or await _use(work, request.request_id, command.proof)
    )
    if refusal is not None:
        return refusal
    assert not isinstance(statements, Refusal)  # looked at
    name = await _name(work, mandate.professional.side_id)
    signer = Signer(name, acting.account_id, acting.contact_id, command.proof, email, command.network_address)
    signature_id = await _sign(work, request, mandate, "professional", statements, signer, text)
    if not mandate.has_signed("delegate"):
        await mails.ask_delegate(work, request, mandate)
    return signature_id


async def sign_as_delegate(work: Work[Tools], command: SignAsDelegate) -> UUID | Refusal:
    """The delegate signs. Returns the signature's id.

    Whatever token leads nowhere, whether there is such a mandate or not, is refused alike.
    """
    if await _led_to(work, "delegate", command.token) != command.request_id:
        return Refusal("mandate_link_over")
    found = await locked(work, command.request_id)
    if found is None or await _led_to(work, "delegate", command.token) != command.request_id:  # as it leads by now
        return Refusal("mandate_link_over")
    request, mandate = found
    work.concerning = request.organization_id
    named = (await personal_fields.person_names(work.connection, [request.request_id])).get(request.request_id)
    text, email = await read_text(work, request, mandate, "delegate"), command.address.email
    statements = domain.attested(work.tools.agency, "delegate", command.ticked)
    refusal = (
        domain.refuse_signature(request, mandate, "delegate", work.today)
        or domain.refuse_other_text(command.digest, text_digest(text), request.request_id)
        or domain.refuse_other_name(named, command.person)
        or domain.refuse_no_address(command.address)
        or await _refuse_same_person(work, request, mandate, "delegate", command.account_id, email)
        or await _refuse_account(work, named, command.account_id)
        or (statements if isinstance(statements, Refusal) else None)
        or await _use(work, request.request_id, command.address)
        or (await accept_address(work, request, mandate, "delegate", email) if email is not None else None)
    )
    if refusal is not None:
        return refusal
    assert not isinstance(statements, Refusal)  # looked at
    assert email is not None  # looked at
    person = PersonalChange(command.person.family_name or "", command.person.given_name or "")
    await personal_fields.correct(work.connection, mandate.delegate.side_id, person)
    name, account_id = _written(command.person), await _kept(work, command.account_id)
    signer = Signer(name, account_id, None, command.address, email, command.network_address)
    signature_id = await _sign(work, request, mandate, "delegate", statements, signer, text)
    return signature_id


@dataclass(frozen=True)
class Signer:
    """Who signs, how that was found out, and from where."""

    name: str = field(repr=False)
    account_id: UUID | None
    contact_id: UUID | None
    proof: Proven
    email: str | None = field(repr=False)
    network_address: str = field(repr=False)


async def _sign(
    work: Work[Tools],
    request: Request,
    mandate: Mandate,
    side: MandateSide,
    statements: Sequence[Attestation],
    signer: Signer,
    text: str,
) -> UUID:
    assert request.organization_id is not None
    language = mandate.language_of(side)
    contents = Contents(
        text=text,
        digest=text_digest(text),
        attestations=tuple(Shown(code=a.code, version=a.version, text=a.text.in_(language)) for a in statements),
        name=signer.name,
        email=signer.email,
        network_address=signer.network_address,
        verified_at=signer.proof.proven_at,
    )
    command = Sign(
        request_id=request.request_id,
        organization_id=request.organization_id,
        text_version=mandate.text_version,
        side=side,
        owner_id=mandate.sides[side].side_id,
        account_id=signer.account_id,
        contact_id=signer.contact_id,
        method=signer.proof.method,
        language=language,
        contents=contents,
    )
    signature_id = await signatures.sign(work, command)
    await completing.signed(
        work, request, mandate, side, account_id=signer.account_id, contact_id=signer.contact_id
    )  # fmt: skip
    return signature_id


async def _use(work: Work[Tools], request_id: UUID, *shown: Proven | None) -> Refusal | None:
    """Use proofs up for one mandate; each is good once for each."""
    for proof in shown:
        if proof is not None and not await proofs.use_proof(work.connection, proof.jti, request_id, work.now):
            return Refusal("proof_refused", fields=("address_proof" if proof.method == "email_code" else "proof",))
    return None


async def _refuse_same_person(
    work: Work[Tools], request: Request, mandate: Mandate, side: MandateSide, account_id: UUID | None, email: str | None
) -> Refusal | None:
    """Nobody signs both sides: neither by one account, nor by one mailbox, however its address is written."""
    other = mandate.delegate if side == "professional" else mandate.professional
    if account_id is not None and account_id == other.account_id:
        return Refusal("mandate_same_person")
    owners = [
        other.side_id,
        other.account_id,
        other.contact_id,
        request.request_id if other.side == "delegate" else None,
    ]
    persons = await personal_fields.descriptions(work.connection, [owner for owner in owners if owner is not None])
    theirs = {mailbox(person.email) for person in persons.values() if person.email is not None}
    if email is not None and mailbox(email) in theirs:
        return Refusal("mandate_same_person")
    return None


async def _kept(work: Work[Tools], account_id: UUID | None) -> UUID | None:
    """The account that an approval gives the right: one that was linked here before, and so is a person's who is known.

    Whoever reads a delegate's mailbox once could register any other, and would need no user name.
    """
    known = account_id is not None and await bindings.was_ever_linked(work.connection, account_id)
    return account_id if known else None


async def _refuse_account(work: Work[Tools], named: PersonName | None, account_id: UUID | None) -> Refusal | None:
    """Whoever is signed in is whom the text names: an approval may give that account the right."""
    if account_id is None:
        return None
    account = (await personal_fields.person_names(work.connection, [account_id])).get(account_id)
    if account is None:
        return Refusal("account_not_yet_known")
    return domain.refuse_other_account(named, account)


async def _led_to(work: Work[Tools], side: MandateSide, token: str) -> UUID | None:
    return await request_tokens.led_to(work.connection, work.tools, side, token)


async def _name(work: Work[Tools], owner_id: UUID) -> str:
    return _written((await personal_fields.person_names(work.connection, [owner_id])).get(owner_id))


def _written(person: PersonName | None) -> str:
    return " ".join(name for name in (person.given_name, person.family_name) if name) if person else ""


async def _professional(work: Work[Tools], by: AsProfile, request: Request, mandate: Mandate) -> Acting | Refusal:
    """Whom the mandate names as the one who gives it, re-read, who is still what it says."""
    acting = await access.acting(work.connection, work.now, work.today, by.account_id, by.contact_id)
    if acting is None:
        return Refusal("profile_not_yours")
    work.concerning = acting.organization_id
    if acting.organization_id != request.organization_id:
        return Refusal("not_found")
    profession = AskedMandate.model_validate(request.asked).profession
    if acting.contact_id != mandate.professional.contact_id or profession not in acting.functions:
        return Refusal("not_permitted")
    work.rule = f"function:{profession}"
    return acting


async def _verified(work: Work[Tools], account_id: UUID) -> str | None:
    """The address that an account has verified."""
    account = (await personal_fields.descriptions(work.connection, [account_id])).get(account_id)
    return account.email if account is not None else None


async def _refuse_other_text(work: Work[Tools], mandate: Mandate, digest: str | None, text: str) -> Refusal | None:
    """A password is given for this very text, or for the list in which it stands as it reads now; for nothing else."""
    if digest == text_digest(text) or (mandate.list_id is not None and digest == await _of_list(work, mandate.list_id)):
        return None
    return Refusal("proof_refused", fields=("proof",))


async def _of_list(work: Work[Tools], list_id: UUID) -> str:
    """The digest of a list of mandates, of the texts as they read now."""
    listed = await storage.of_list(work.connection, list_id)
    texts = await read_all(work.connection, work.tools.agency, listed, "professional")
    return list_digest(text_digest(text) for text in texts)
