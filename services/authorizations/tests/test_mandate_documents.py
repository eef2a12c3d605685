"""The signed mandate as its sides and agents read and print it: how each was verified, when, and on what."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chassis.writing import written_instant
from contracts.events import Language
from services.authorizations.personal.domain import Personal
from services.authorizations.signatures.domain import text_digest
from services.authorizations.tests.practices import Practice, a_practice
from tests.fixtures.gateway import OpenService


@pytest.fixture
async def practice(open_service: OpenService, keyring_folder: Path) -> Practice:
    return await a_practice(open_service, keyring_folder)


async def test_a_signature_is_shown_and_printed_with_how_its_person_was_verified_when_and_on_what(
    practice: Practice,
) -> None:
    english = Personal("Déléguée", "Démo", "deleguee@example.org", [], "en")
    mandate_id, now = await practice.mandate(english), int(datetime.now(UTC).timestamp())
    await practice.sign(mandate_id, proof=await practice.proof(mandate_id, iat=now - 50))
    [token] = await practice.tokens()
    read = practice.at.opened.issuer.proof("mandate_address", email="deleguee@example.org", iat=now - 1200)
    assert (await practice.countersign(mandate_id, token, address_proof=read)).status_code == 201
    rows = await practice.pool.fetch("select side, signed_at from signatures")
    signed_at = {row["side"]: row["signed_at"] for row in rows}
    digests = [text_digest(await practice.text(mandate_id, side)) for side in ("professional", "delegate")]
    assert digests[0] != digests[1]  # one reads French, the other English
    path = f"/v1/mandates/{mandate_id}/document"
    looks: list[tuple[str, dict[str, Any]]] = [
        ("GET", {"headers": practice.professional.headers}),
        ("GET", {"headers": practice.at.agent}),
        ("POST", {"json": {"token": token}, "headers": {}}),
    ]
    words: dict[Language, tuple[str, str]] = {
        "fr": ("par le mot de passe du compte", "par un code envoyé à l’adresse courriel"),
        "en": ("by the account’s password", "by a code sent to the e-mail address"),
    }
    for method, look in looks:
        document = (await practice.client.request(method, path, **look)).json()
        assert [
            (
                s["side"], s["method"], s["language"], s["digest"], s["text_version"], s["voided_at"],
                datetime.fromisoformat(s["signed_at"]), datetime.fromisoformat(s["verified_at"]),
            )
            for s in document["signatures"]
        ] == [
            ("professional", "password", "fr", digests[0], 1, None, signed_at["professional"], at(now - 50)),
            ("delegate", "email_code", "en", digests[1], 1, None, signed_at["delegate"], at(now - 1200)),
        ]  # fmt: skip
        assert all(
            [(a["code"], a["version"]) for a in s["attestations"]]
            == [(t["code"], t["version"]) for t in practice.ticked(s["side"])]
            for s in document["signatures"]
        )
        for language, said in words.items():
            headers = look["headers"] | {"Accept": "text/html", "Accept-Language": language}
            printed = await practice.client.request(method, path, **(look | {"headers": headers}))
            assert printed.status_code == 200 and printed.headers["content-type"].startswith("text/html")
            assert "default-src 'none'" in printed.headers["content-security-policy"]
            zone = practice.at.opened.tools.time_zone
            when = [written_instant(signed_at[side], zone, language) for side in ("professional", "delegate")]
            order = [word for one in zip(when, said, digests, strict=True) for word in one]
            places = [printed.text.index(word) for word in order[:3]]
            places += [printed.text.index(word, places[-1]) for word in order[3:]]
            assert places == sorted(places)
            assert "deleguee@example.org" not in printed.text and "127.0.0.1" not in printed.text


def at(seconds: int) -> datetime:
    """An instant of a proof, whole seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)
