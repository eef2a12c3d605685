"""Proofs: what accounts vouches for in a signed word, for one act elsewhere, as far as all services must agree."""

from collections.abc import Mapping
from typing import Literal

from contracts.notifications import Feature

PROOF_TYPE = "proof+jwt"
"""The `typ` of a proof (RFC 8725 3.11): no proof is an access token, and no access token a proof."""

PROOF_AUDIENCE = "mandat.proof"
"""The `aud` of a proof: whoever takes access tokens and does not look at `typ` refuses it all the same."""

PasswordPurpose = Literal["mandate_signature"]
"""What a password may be entered again for."""

AddressPurpose = Literal["mandate_address"]
"""What an address may be proved for."""

ProofMethod = Literal["password", "email_code"]
"""How: the account's person entered the password again, or somebody read a code at an address."""

PURPOSES_NEEDED_FOR: Mapping[str, frozenset[Feature]] = {
    "mandate_signature": frozenset({"mandates"}),
    "mandate_address": frozenset({"mandates"}),
}
"""Every purpose, with what an agency must have for anybody to prove something for it."""
