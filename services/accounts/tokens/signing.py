"""Access tokens: JWTs signed with ES256, verified by every service without asking this one (RFC 7519, RFC 9068)."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from joserfc import jwt
from joserfc.jwk import ECKey

from chassis.keys import Keyring
from chassis.sealing import Vault
from contracts.proofs import PROOF_AUDIENCE, PROOF_TYPE, ProofMethod
from contracts.tokens import AUDIENCE

LIFE = timedelta(minutes=5)  # how long a revocation may matter at worst
SIGNATURE = "ES256"


class SignedIn(Protocol):
    """What a person's token says of the session in which it is given."""

    @property
    def account_id(self) -> UUID:
        """Whose it is."""

    @property
    def session_id(self) -> UUID:
        """Which of theirs."""

    @property
    def epoch(self) -> int:
        """The account's, when the session opened."""

    @property
    def opened_at(self) -> datetime:
        """When the person proved who they are."""


@dataclass(frozen=True)
class SigningKey:
    """`private_jwk` is locked in this service's vault."""

    kid: str
    public_jwk: dict[str, Any]
    private_jwk: str


@dataclass(frozen=True)
class Proof:
    """What a proof says besides who says it: `claims` name who or what is proven."""

    method: ProofMethod
    purpose: str
    life: timedelta
    claims: dict[str, str] = field(repr=False)


def generate(keyring: Keyring) -> SigningKey:
    """A fresh key; its kid is its thumbprint (RFC 7638)."""
    key = ECKey.generate_key("P-256")
    kid = key.thumbprint()
    parameters = {"kid": kid, "use": "sig", "alg": SIGNATURE}
    private = json.dumps(dict(key.as_dict(private=True)) | parameters)
    return SigningKey(kid, dict(key.as_dict(private=False)) | parameters, Vault(keyring).lock(private.encode()))


@dataclass(frozen=True)
class Signer:
    """Signs in the name of `base`, the public base address of this service. Keys once opened are kept in memory."""

    base: str
    keyring: Keyring
    _opened: dict[str, ECKey] = field(default_factory=dict, repr=False)

    def for_person(self, key: SigningKey, session: SignedIn, audience: str, now: datetime, jti: UUID) -> str:
        """A token of one account in one session; its `auth_time` is when the session opened."""
        claims = {
            "sub": str(session.account_id),
            "sid": str(session.session_id),
            "epoch": session.epoch,
            "auth_time": int(session.opened_at.timestamp()),
            "aud": audience,
        }
        return self._sign(key, "people", claims, now, jti)

    def for_machine(self, key: SigningKey, client_id: str, scopes: tuple[str, ...], now: datetime, jti: UUID) -> str:
        """A token of another system."""
        claims = {"sub": client_id, "client_id": client_id, "scope": " ".join(scopes), "aud": AUDIENCE}
        return self._sign(key, "machines", claims, now, jti)

    def proof(self, key: SigningKey, proof: Proof, now: datetime, jti: UUID) -> str:
        """What is proven, for one act elsewhere. It opens nothing here: its type and its audience are its own."""
        claims = {"method": proof.method, "purpose": proof.purpose, "aud": PROOF_AUDIENCE, **proof.claims}
        return self._sign(key, "people", claims, now, jti, proof.life, PROOF_TYPE)

    def _sign(
        self,
        key: SigningKey,
        kind: str,
        claims: dict[str, Any],
        now: datetime,
        jti: UUID,
        life: timedelta = LIFE,
        token_type: str = "at+jwt",  # noqa: S107, RFC 9068
    ) -> str:
        issued_at = int(now.timestamp())
        claims |= {
            "iss": f"{self.base}/{kind}",
            "iat": issued_at,
            "exp": issued_at + int(life.total_seconds()),
            "jti": str(jti),
        }
        header = {"alg": SIGNATURE, "kid": key.kid, "typ": token_type}
        return jwt.encode(header, claims, self._open(key), algorithms=[SIGNATURE])

    def _open(self, key: SigningKey) -> ECKey:
        if key.kid not in self._opened:
            self._opened[key.kid] = ECKey.import_key(json.loads(Vault(self.keyring).unlock(key.private_jwk)))
        return self._opened[key.kid]
