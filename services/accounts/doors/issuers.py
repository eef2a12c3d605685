"""ID tokens of doors' issuers, verified with keys that are fetched when a token needs them, outside transactions."""

import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError

from chassis.issuer_keys import IssuerKeys
from chassis.tokens import ACCESS_TYPE, ALGORITHMS, LEEWAY
from contracts.agency.profile import TokenIssuer

OLDEST = 300  # seconds since an ID token was issued; the portal hands it on at once


@dataclass
class Issuers:
    """Keys by their address."""

    _keys: dict[str, IssuerKeys] = field(default_factory=dict[str, IssuerKeys])

    async def claims(self, issuer: TokenIssuer, token: str) -> dict[str, Any] | None:
        """What the issuer says in a token of its own that is meant for us, fresh and signed; else None."""
        try:
            unverified = jws.extract_compact(token.encode())
            if json.loads(unverified.payload)["iss"] != issuer.issuer:
                return None
            published = self._keys.setdefault(issuer.jwks_uri, IssuerKeys(issuer.jwks_uri))
            keys = await published.for_key(str(unverified.headers().get("kid")))
            if keys is None:
                return None
            verified = jwt.decode(token, keys, algorithms=ALGORITHMS)
            _rules(issuer).validate(verified.claims)
            if verified.header.get("typ") == ACCESS_TYPE or time.time() - verified.claims["iat"] > OLDEST:
                return None
        except (JoseError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return verified.claims


def _rules(issuer: TokenIssuer) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        leeway=LEEWAY,
        iss={"essential": True, "value": issuer.issuer},
        aud={"essential": True, "value": issuer.audience},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
    )


def digest(token: str) -> bytes:
    """What rests of a token that signed somebody in: of what was signed, because a signature has several spellings."""
    return hashlib.sha256(token.rpartition(".")[0].encode()).digest()
