"""ID tokens of doors' issuers, verified with keys that are fetched when a token needs them, outside transactions."""

import asyncio
import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
import structlog
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from chassis.tokens import ACCESS_TYPE, ALGORITHMS, FETCH, LEEWAY, REFRESH, RETRY, usable_keys
from contracts.agency.profile import TokenIssuer

log = structlog.get_logger()

OLDEST = 300  # seconds since an ID token was issued; the portal hands it on at once
NEVER = float("-inf")


@dataclass
class Keys:
    """What was found at an address, and when it was asked last."""

    found: KeySet | None = None
    asked_at: float = NEVER


@dataclass
class Issuers:
    """Keys by their address."""

    _keys: dict[str, Keys] = field(default_factory=dict[str, Keys])
    _fetching: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def claims(self, issuer: TokenIssuer, token: str) -> dict[str, Any] | None:
        """What the issuer says in a token of its own that is meant for us, fresh and signed; else None."""
        try:
            unverified = jws.extract_compact(token.encode())
            if json.loads(unverified.payload)["iss"] != issuer.issuer:
                return None
            keys = await self._keys_for(issuer.jwks_uri, str(unverified.headers().get("kid")))
            if keys is None:
                return None
            verified = jwt.decode(token, keys, algorithms=ALGORITHMS)
            _rules(issuer).validate(verified.claims)
            if verified.header.get("typ") == ACCESS_TYPE or time.time() - verified.claims["iat"] > OLDEST:
                return None
        except (JoseError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return verified.claims

    async def _keys_for(self, source: str, kid: str) -> KeySet | None:
        async with self._fetching:
            keys = self._keys.setdefault(source, Keys())
            known = keys.found is not None and kid in {key.kid for key in keys.found.keys}
            if time.monotonic() - keys.asked_at > (REFRESH if known else RETRY):
                keys.asked_at = time.monotonic()
                keys.found = await _fetched(source) or keys.found
            return keys.found


def _rules(issuer: TokenIssuer) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        leeway=LEEWAY,
        iss={"essential": True, "value": issuer.issuer},
        aud={"essential": True, "value": issuer.audience},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
    )


async def _fetched(source: str) -> KeySet | None:
    try:
        async with asyncio.timeout(FETCH), httpx.AsyncClient(timeout=FETCH) as client:
            response = await client.get(source)
        response.raise_for_status()
        return usable_keys(response.json())
    except Exception as error:  # whatever an issuer answers, its former keys are kept
        log.warning("issuer's keys not fetched", source=source, error=repr(error))
        return None


def digest(token: str) -> bytes:
    """What rests of a token that signed somebody in: of what was signed, because a signature has several spellings."""
    return hashlib.sha256(token.rpartition(".")[0].encode()).digest()
