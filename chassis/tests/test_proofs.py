"""A proof is taken for what it is for, from accounts' hand, while it lives; and is never taken for a token."""

import base64
import json
import time
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

from chassis import proofs
from chassis.outcomes import Refusal
from chassis.proofs import Proven
from chassis.tests.conftest import Bench
from chassis.tokens import LEEWAY, KeysUnavailable, NotAuthenticated, Verifier
from tests.fixtures.gateway import AGENTS, BASE, Issuer

JWKS = f"{BASE}/.well-known/jwks.json"
ACCOUNT, DIGEST, ADDRESS = uuid4(), "0a" * 32, "adjointe@cabinet.example"
REFUSED = Refusal("proof_refused", fields=("proof",))

PASSWORD: dict[str, Any] = {"account_id": ACCOUNT, "digest": DIGEST}


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def verifier(bench: Bench, issuer: Issuer) -> Verifier:
    verifier = Verifier(BASE, (AGENTS,), bench.pool, service="authorizations")
    verifier.learn(JWKS, KeySet([issuer.key]))
    verifier.learn(AGENTS.jwks_uri, KeySet([issuer.key]))
    return verifier


def test_a_proof_says_what_was_proven(verifier: Verifier, issuer: Issuer) -> None:
    jti = uuid4()
    before = time.time()
    password = proofs.verify(verifier, issuer.proof("signing", **PASSWORD, jti=str(jti)), "signing")
    assert isinstance(password, Proven)
    assert (password.jti, password.method, password.account_id, password.digest) == (jti, "password", ACCOUNT, DIGEST)
    assert before - 1 <= password.proven_at.timestamp() <= time.time()
    address = proofs.verify(verifier, issuer.proof("receiving", email=ADDRESS), "receiving")
    assert isinstance(address, Proven)
    assert (address.method, address.email, address.account_id) == ("email_code", ADDRESS, None)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "mandat"},
        {"aud": "mandat.accounts"},
        {"aud": None},
        {"iss": f"{BASE}/machines"},
        {"iss": AGENTS.issuer},
        {"iss": "https://elsewhere.test/people"},
        {"exp": int(time.time()) - LEEWAY - 5},
        {"exp": None},
        {"purpose": "receiving"},
        {"purpose": None},
        {"jti": "1"},
        {"jti": None},
        {"iat": "yesterday"},
        {"sub": "nobody"},
    ],
)
def test_whatever_is_wrong_with_a_proof_it_is_refused_alike(
    verifier: Verifier, issuer: Issuer, claims: dict[str, Any]
) -> None:
    assert isinstance(proofs.verify(verifier, issuer.proof("signing", **PASSWORD), "signing"), Proven)
    assert proofs.verify(verifier, issuer.proof("signing", **PASSWORD, **claims), "signing") == REFUSED


def test_a_password_is_no_address_and_an_address_no_password(verifier: Verifier, issuer: Issuer) -> None:
    crossed = issuer.proof("signing", email=ADDRESS, method="password")
    assert proofs.verify(verifier, crossed, "signing") == REFUSED
    crossed = issuer.proof("receiving", **PASSWORD, method="email_code")
    assert proofs.verify(verifier, crossed, "receiving") == REFUSED


async def test_no_token_is_a_proof_and_no_proof_a_token(verifier: Verifier, issuer: Issuer) -> None:
    alike: dict[str, Any] = {"purpose": "signing", "method": "password", "digest": DIGEST, "jti": str(uuid4())}
    person: dict[str, Any] = {"sid": str(uuid4()), "epoch": 0, "auth_time": 0}
    for audience in ("mandat", "mandat.proof"):
        token = issuer.person(ACCOUNT, **alike, aud=audience)
        assert proofs.verify(verifier, token, "signing") == REFUSED
        with pytest.raises(NotAuthenticated):
            await verifier.verify(issuer.proof("signing", **PASSWORD, **person, aud=audience))
    assert proofs.verify(verifier, issuer.machine("signing"), "signing") == REFUSED
    assert proofs.verify(verifier, issuer.agent(), "signing") == REFUSED


def test_a_proof_signed_by_another_key_or_not_at_all_is_refused(verifier: Verifier, issuer: Issuer) -> None:
    good = issuer.proof("signing", **PASSWORD)
    header, payload, signature = good.split(".")
    claims = json.loads(_decoded(payload))
    public = json.dumps(dict(issuer.key.as_dict(private=False))).encode()
    forged = [
        f"{_encoded({'alg': 'none', 'typ': 'proof+jwt'})}.{payload}.",
        f"{_encoded({'alg': 'none', 'kid': 'test', 'typ': 'proof+jwt'})}.{payload}.{signature}",
        jwt.encode(
            {"alg": "HS256", "kid": "test", "typ": "proof+jwt"}, claims, OctKey.import_key(public), algorithms=["HS256"]
        ),
        jwt.encode({"alg": "ES256", "kid": "test", "typ": "proof+jwt"}, claims, ECKey.generate_key("P-256")),
        jwt.encode(
            {"alg": "ES256", "kid": "other", "typ": "proof+jwt"}, claims, ECKey.generate_key("P-256", {"kid": "other"})
        ),
        jwt.encode({"alg": "ES256", "kid": "test"}, claims, issuer.key),
        f"{header}.{_encoded({**claims, 'sub': str(uuid4())})}.{signature}",
        f"{header}.{payload}.",
        f"{header}.{payload}",
        "",
        "proof",
        good + "A",
    ]
    assert isinstance(proofs.verify(verifier, good, "signing"), Proven)
    assert [proofs.verify(verifier, proof, "signing") for proof in forged] == [REFUSED] * len(forged)


def test_without_keys_the_caller_is_asked_to_come_again(bench: Bench, issuer: Issuer) -> None:
    unready = Verifier(BASE, (AGENTS,), bench.pool)
    refused = proofs.verify(unready, issuer.proof("signing", **PASSWORD), "signing")
    assert refused == Refusal("unavailable", retry_after=1)
    with pytest.raises(KeysUnavailable):
        unready.signed_for_people(issuer.proof("signing", **PASSWORD), "proof+jwt", "mandat.proof")


def test_the_field_in_which_it_came_is_named(verifier: Verifier) -> None:
    assert proofs.verify(verifier, "", "signing", "address_proof") == Refusal(
        "proof_refused", fields=("address_proof",)
    )


def _encoded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
