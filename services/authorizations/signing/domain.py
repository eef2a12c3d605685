"""Why a side may not sign: plain rules."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from chassis.outcomes import Next, Refusal
from chassis.proofs import Proven
from contracts.agency import Agency
from contracts.agency.forms import Attestation
from contracts.agency.mandates import MandateSide
from services.authorizations.attestations.domain import Ticked
from services.authorizations.mandates.domain import Mandate
from services.authorizations.personal.domain import PersonName
from services.authorizations.requests.domain import Request

NOT_LETTERS = re.compile(r"[\W_]+")


def refuse_signature(request: Request, mandate: Mandate, side: MandateSide, today: date) -> Refusal | None:
    """Only what waits for signatures is signed, once by each side, by the professional first."""
    if request.state_on(today) != "signing":
        return Refusal("mandate_not_signable")
    if mandate.has_signed(side):
        return Refusal("mandate_signed_already")
    if side == "delegate" and not mandate.has_signed("professional"):
        return Refusal("mandate_not_signable")
    return None


def attested(agency: Agency, side: MandateSide, ticked: Sequence[Ticked]) -> list[Attestation] | Refusal:
    """What a side attests, each statement ticked in its current version."""
    assert agency.mandates is not None
    wanted = [agency.attestations[code] for code in agency.mandates.attestations.of(side)]
    given = {(tick.code, tick.version) for tick in ticked}
    if missing := [a for a in wanted if (a.code, a.version) not in given]:
        names = ", ".join(f"{a.code} v{a.version}" for a in missing)
        return Refusal("attestation_missing", {"attestations": names}, ("attestations",))
    return wanted


def refuse_password(proof: Proven, account_id: UUID) -> Refusal | None:
    """It must be the account's own password, given again."""
    ours = proof.method == "password" and proof.account_id == account_id
    return None if ours else Refusal("proof_refused", fields=("proof",))


def refuse_other_text(read: str, text: str, request_id: UUID) -> Refusal | None:
    """What was read, by its digest, is what is signed; another text has to be read first."""
    if read == text:
        return None
    return Refusal("mandate_text_changed", next=Next("next_page", f"/v1/mandates/{request_id}/page"))


def refuse_no_address(proof: Proven) -> Refusal | None:
    """What was proven must be an address."""
    return None if proof.email is not None else Refusal("proof_refused", fields=("address_proof",))


def refuse_other_name(named: PersonName | None, given: PersonName) -> Refusal | None:
    """Whoever signs is the person whom the text names, whatever the case, accents and signs.

    One who is called otherwise has the professional correct the mandate: a text is signed as it reads.
    """
    if named is not None and _letters(named) == _letters(given):
        return None
    return Refusal("mandate_names_another", fields=("person",))


def refuse_other_account(named: PersonName | None, account: PersonName) -> Refusal | None:
    """The account of somebody else, who left it open on that device, is given nothing."""
    refused = refuse_other_name(named, account) is not None
    return Refusal("mandate_account_of_another", fields=("Authorization",)) if refused else None


def _letters(name: PersonName) -> str:
    text = f"{name.given_name or ''} {name.family_name or ''}".casefold()
    folded = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return NOT_LETTERS.sub("", folded)
