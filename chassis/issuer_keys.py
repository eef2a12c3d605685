"""The keys that one issuer publishes at an address: fetched for itself, so that a slow one makes nobody else wait."""

import asyncio
import time
from typing import Any

import httpx
import structlog
from joserfc.jwk import KeySet
from prometheus_client import Gauge

log = structlog.get_logger()

FETCH = 5.0  # seconds for one fetch
REFRESH = 300.0  # seconds between two fetches
RETRY = 1.0  # seconds between two tries while there are none, and the least time between fetches for an unknown key
AFTER_FAILURE = 10.0  # seconds in which nobody who brings a token waits again for an issuer that has just failed
STALE = 86_400.0  # seconds for which keys hold while no fetch succeeds: an issuer may be away for a day, not for good
NEVER = float("-inf")

AGE = Gauge(
    "mandat_issuer_keys_age_seconds",
    f"At the last try, for how long no fetch of the keys at this address has succeeded; after {STALE:.0f} none hold",
    ["source"],
)


class IssuerKeys:
    """What was found at one address. Several who need it fetched wait for one fetch together."""

    def __init__(self, source: str) -> None:
        """`source` is a jwks_uri."""
        self.source = source
        self._found: KeySet | None = None
        self._found_at = self._ask_again_at = NEVER
        self._fetching: asyncio.Task[bool] | None = None

    @property
    def usable(self) -> KeySet | None:
        """The keys found last, as long as they hold."""
        return self._found if time.monotonic() - self._found_at < STALE else None

    def learn(self, keys: KeySet) -> None:
        """Take these keys as just found."""
        self._found, self._found_at = keys, time.monotonic()

    async def for_key(self, kid: str) -> KeySet | None:
        """The keys to verify a token with that names this one; who names a known key waits for no fetch."""
        found = self.usable
        if found is None or kid not in {key.kid for key in found.keys}:
            await self._refreshed()
        elif time.monotonic() - self._found_at > REFRESH:
            self._refresh()
        return self.usable

    async def fetch(self) -> bool:
        """Fetch the keys now. Whether any came; those found before stay otherwise."""
        pause = AFTER_FAILURE
        try:
            async with asyncio.timeout(FETCH), httpx.AsyncClient(timeout=FETCH) as client:
                response = await client.get(self.source)
            response.raise_for_status()
            self.learn(usable_keys(response.json()))
            pause = RETRY
        except Exception as error:  # whatever an issuer answers, its former keys are kept
            log.warning("issuer's keys not fetched", source=self.source, error=repr(error))
            return False
        else:
            return True
        finally:
            self._ask_again_at = time.monotonic() + pause

    async def _refreshed(self) -> None:
        if fetching := self._refresh():
            await asyncio.shield(fetching)  # others wait for it too

    def _refresh(self) -> asyncio.Task[bool] | None:
        if self._fetching is None or self._fetching.done():
            if time.monotonic() < self._ask_again_at:
                return None
            self._fetching = asyncio.create_task(self.fetch(), name=f"keys of {self.source}")
        return self._fetching


def usable_keys(jwks: Any) -> KeySet:
    """The keys that can verify for us; others in the set are no reason to refuse it (RFC 7517, section 5)."""
    found = [key for key in jwks["keys"] if key.get("kty") in ("EC", "RSA") and key.get("use", "sig") == "sig"]
    return KeySet.import_key_set({"keys": found})
