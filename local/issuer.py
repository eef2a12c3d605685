"""An issuer of tokens for demo agents, in place of the agency's own sign-in. It asks for no password: for
demos only."""

import json
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import ECKey

AUDIENCE = "mandat"
LIFETIME = 300
"""Seconds; as short as the platform's own tokens."""

AGENTS = {
    "demo-agent-1": "Agent de démonstration 1",
    "demo-agent-2": "Agent de démonstration 2",
    "demo-agent-3": "Agent de démonstration 3",
}
"""Subject → name. Nobody real; several, because some decisions take two agents."""


@dataclass(frozen=True)
class DemoIssuer:
    """Signs for AGENTS and nobody else. `base` is its `iss`, and where its key set is found."""

    base: str
    key: ECKey

    @classmethod
    def open(cls, base: str, path: Path | None) -> "DemoIssuer":
        """With the key kept in `path`, made there (0600) when the file is missing; without a path, with a new
        key."""
        if path is not None and path.exists():
            return cls(base, ECKey.import_key(json.loads(path.read_text())))
        key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256", "kid": f"demo-{secrets.token_hex(4)}"})
        if path is not None:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump(key.as_dict(private=True), file)
        return cls(base, key)

    def token(self, name: str) -> str:
        """A JWT for the demo agent of this name or subject. Raises KeyError for anybody else."""
        subject = next((subject for subject, known in AGENTS.items() if name in (subject, known)), None)
        if subject is None:
            raise KeyError(name)
        now = int(time.time())
        claims: dict[str, str | int] = {
            "iss": self.base,
            "sub": subject,
            "name": AGENTS[subject],
            "aud": AUDIENCE,
        }
        claims |= {"iat": now, "exp": now + LIFETIME, "jti": secrets.token_urlsafe(16)}
        return jwt.encode({"alg": "ES256", "kid": self.key.kid, "typ": "JWT"}, claims, self.key)

    def key_set(self) -> dict[str, object]:
        return {"keys": [self.key.as_dict(private=False)]}

    def configuration(self) -> dict[str, object]:
        """OpenID Connect Discovery 1.0, the parts that a verifier reads."""
        return {
            "issuer": self.base,
            "jwks_uri": f"{self.base}/jwks.json",
            "token_endpoint": f"{self.base}/token",
            "id_token_signing_alg_values_supported": ["ES256"],
        }
