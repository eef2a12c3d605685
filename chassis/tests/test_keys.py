"""Secrets at rest are keyed digests; in transit they are sealed to their reader."""

import stat
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey
from joserfc.registry import HeaderParameter
from joserfc.util import json_b64encode, urlsafe_b64encode
from pydantic import BaseModel

from chassis import keys
from chassis.keys import Keyring
from chassis.outcomes import Poison
from chassis.sealing import AFTER_AGREED, BEFORE_AGREED, KEY_AGREEMENT, KEY_WRAPPED, REGISTRY, Sealer, usual_content


class Secret(BaseModel):
    """What is sealed in these tests."""

    code: str


ANNE, PAUL = keys.generate("anne"), keys.generate("paul")
P256 = ECKey.generate_key("P-256", {"kid": "anne.0", "use": "enc"})


def public(*rings: Keyring) -> KeySet:
    return KeySet([key for ring in rings for key in ring.sealing])


def rotated(ring: Keyring) -> Keyring:
    """The same keyring with a newer key of each kind in front."""
    return replace(
        ring,
        sealing=(OKPKey.generate_key("X25519", {"kid": f"{ring.service}.2", "use": "enc"}), *ring.sealing),
        digests=(OctKey.generate_key(256, {"kid": "2"}), *ring.digests),
    )


def test_what_is_sealed_to_a_service_it_opens() -> None:
    sealed = Sealer(ANNE, public(ANNE, PAUL)).seal("paul", Secret(code="042917"))

    assert "042917" not in sealed
    assert Sealer(PAUL, public(PAUL)).open(sealed, Secret) == Secret(code="042917")


def test_another_service_cannot_open_it_nor_can_the_one_that_sealed_it() -> None:
    sealer = Sealer(ANNE, public(ANNE, PAUL))
    sealed = sealer.seal("paul", Secret(code="042917"))

    for stranger in (sealer, Sealer(keys.generate("paul"), public(PAUL))):
        with pytest.raises(Poison) as raised:
            stranger.open(sealed, Secret)
        assert "042917" not in str(raised.value)


@pytest.mark.parametrize("damage", ["", "a.b.c.d.e", "{}", "é", "cut", "turned", "another", "foreign", "other curve"])
def test_a_damaged_seal_is_poison(damage: str) -> None:
    sealer = Sealer(ANNE, public(ANNE))
    sealed = sealer.seal("anne", Secret(code="042917"))
    header = {"alg": KEY_AGREEMENT, "enc": "A256GCM", "kid": "anne.1"}
    damaged = {
        "cut": sealed[:-6],
        "turned": sealed[:-6] + ("B" if sealed[-6] == "A" else "A") + sealed[-5:],
        "another": jwe.encrypt_compact(header, b'{"other": 1}', ANNE.sealing[0], registry=REGISTRY),
        "other curve": jwe.encrypt_compact(header, b'{"code": "1"}', P256, registry=REGISTRY),
        "foreign": jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM", "kid": "1"}, b"{}", ANNE.storage[0]),
    }.get(damage, damage)

    with pytest.raises(Poison):
        sealer.open(damaged, Secret)


def by_joserfc(sealed: str) -> bytes | None:
    try:
        return jwe.decrypt_compact(sealed, ANNE.sealing[0], registry=REGISTRY).plaintext or b""
    except (JoseError, ValueError, KeyError, TypeError):
        return None


def usual(sealed: str) -> bytes | None:
    key = ANNE.sealing[0].private_key
    assert isinstance(key, X25519PrivateKey)
    return usual_content(sealed, {"anne.1": key})


@st.composite
def altered(draw: st.DrawFn) -> str:
    """A seal of the usual kind in which something was changed, put in, taken out or moved."""
    sealed = Sealer(PAUL, public(ANNE)).seal("anne", Secret(code=draw(st.text(max_size=40))))
    place, last = draw(st.integers(0, len(sealed) - 1)), draw(st.integers(0, 3))
    other = draw(st.sampled_from("AQgw.-_+/=\n é0z") | st.characters())
    segments = sealed.split(".")
    return draw(
        st.sampled_from([
            sealed[:place] + other + sealed[place + 1 :],
            sealed[:place] + other + sealed[place:],
            sealed[:place] + sealed[place + last :],
            ".".join(draw(st.permutations(segments))),
            ".".join(segment[: len(segment) - last] for segment in segments),
            ".".join([segments[0], draw(st.sampled_from(["AA", segments[4]])), *segments[2:]]),
        ])
    )  # fmt: skip


@given(st.text())
def test_a_seal_of_the_usual_kind_is_opened_the_short_way_and_says_what_joserfc_reads(code: str) -> None:
    content = Secret(code=code)
    sealed = Sealer(PAUL, public(ANNE)).seal("anne", content)

    assert usual(sealed) == by_joserfc(sealed) == content.model_dump_json().encode()


@settings(max_examples=1_000)
@given(altered())
def test_the_short_way_opens_nothing_that_joserfc_refuses_or_reads_otherwise(sealed: str) -> None:
    assert usual(sealed) in (None, by_joserfc(sealed))


@pytest.mark.parametrize(
    "more",
    [
        {"apu": "QWxpY2U", "apv": "Qm9i"},
        {"zip": "DEF"},
        {"crit": ["exp"], "exp": 1},
        {"cty": "JWT"},
        {"alg": KEY_WRAPPED},
        {"enc": "A128GCM"},
        {"kid": "anne.2"},
    ],
)
def test_what_is_said_beside_the_usual_is_left_to_joserfc(more: dict[str, Any]) -> None:
    header = {"alg": KEY_AGREEMENT, "enc": "A256GCM", "kid": "anne.1"} | more
    lenient = jwe.JWERegistry(
        {"exp": HeaderParameter("", "int")}, algorithms=[KEY_AGREEMENT, KEY_WRAPPED, "A256GCM", "A128GCM", "DEF"]
    )
    sealed = jwe.encrypt_compact(header, b'{"code": "1"}', ANNE.sealing[0], registry=lenient)

    assert usual(sealed) is None


@pytest.mark.parametrize("point", [bytes(32), bytes([1, *bytes(31)]), bytes(31)])
def test_a_point_that_agrees_on_nothing_opens_nothing(point: bytes) -> None:
    key = sha256(BEFORE_AGREED + bytes(32) + AFTER_AGREED).digest()  # whoever sends such a point knows this one
    x = urlsafe_b64encode(point).decode()
    header = json_b64encode({
        "alg": KEY_AGREEMENT, "enc": "A256GCM", "kid": "anne.1", "epk": {"kty": "OKP", "crv": "X25519", "x": x},
    })  # fmt: skip
    sealed = AESGCM(key).encrypt(bytes(12), b'{"code": "1"}', header)
    parts = (header, b"", *map(urlsafe_b64encode, (bytes(12), sealed[:-16], sealed[-16:])))

    with pytest.raises(Poison):
        Sealer(ANNE, public(ANNE)).open(b".".join(parts).decode(), Secret)


def test_the_short_way_is_as_strict_about_size_as_joserfc() -> None:
    large = Sealer(PAUL, public(ANNE)).seal("anne", Secret(code="7" * REGISTRY.max_ciphertext_length))

    assert usual(large) is None
    with pytest.raises(Poison):
        Sealer(ANNE, public(ANNE)).open(large, Secret)


def test_after_a_rotation_seals_go_to_the_newest_key_and_older_ones_still_open() -> None:
    before = Sealer(PAUL, public(ANNE)).seal("anne", Secret(code="old"))
    ring = rotated(ANNE)
    after = Sealer(PAUL, public(ring)).seal("anne", Secret(code="new"))

    sealer = Sealer(ring, public(ring))
    assert [sealer.open(sealed, Secret).code for sealed in (before, after)] == ["old", "new"]
    with pytest.raises(Poison):
        Sealer(ANNE, public(ANNE)).open(after, Secret)


def test_seals_to_a_key_on_the_older_curve_still_open_with_its_keyring_from_the_file(tmp_path: Path) -> None:
    replace(ANNE, sealing=(*ANNE.sealing, P256)).write(tmp_path / "ring.json")
    header = {"alg": KEY_WRAPPED, "enc": "A256GCM", "kid": "anne.0"}
    sealed = jwe.encrypt_compact(header, b'{"code": "old"}', P256, registry=REGISTRY)

    assert Sealer(keys.read(tmp_path / "ring.json"), public(ANNE)).open(sealed, Secret).code == "old"


def test_a_digest_matches_its_own_value_for_its_own_purpose_alone() -> None:
    kept = ANNE.digest("linking", "7K3M")

    assert "7K3M" not in kept
    assert ANNE.matches("linking", "7K3M", kept)
    assert not ANNE.matches("linking", "7K3N", kept)
    assert not ANNE.matches("verification", "7K3M", kept)
    assert not PAUL.matches("linking", "7K3M", kept)
    assert not ANNE.matches("linking", "7K3M", "9:" + kept.partition(":")[2])
    assert not ANNE.matches("linking", "7K3M", "")


def test_after_a_rotation_digests_of_the_older_key_still_match() -> None:
    kept = ANNE.digest("linking", "7K3M")
    ring = rotated(ANNE)

    assert ring.matches("linking", "7K3M", kept)
    assert ring.digest("linking", "7K3M").startswith("2:")


def test_a_keyring_is_read_as_it_was_written(tmp_path: Path) -> None:
    ring = rotated(ANNE)
    ring.write(tmp_path / "ring.json")
    found = keys.read(tmp_path / "ring.json")

    assert found.matches("linking", "7K3M", ring.digest("linking", "7K3M"))
    assert (
        Sealer(found, public(found)).open(Sealer(PAUL, public(ring)).seal("anne", Secret(code="1")), Secret).code == "1"
    )


@pytest.mark.parametrize("stood_there", [True, False])
def test_a_keyring_is_readable_by_its_owner_alone(tmp_path: Path, stood_there: bool) -> None:
    path = tmp_path / "ring.json"
    if stood_there:
        path.touch(mode=0o644)
    ANNE.write(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_public_file_holds_the_newest_key_first_and_no_private_part(tmp_path: Path) -> None:
    ring = rotated(ANNE)
    keys.write_public([ring, PAUL], tmp_path / "public.json")

    assert '"d"' not in (tmp_path / "public.json").read_text()
    found = keys.read_public(tmp_path / "public.json")
    assert [key.kid for key in found.keys] == ["anne.2", "anne.1", "paul.1"]


def test_a_keyring_does_not_show_its_keys_when_it_is_printed() -> None:
    shown = repr(ANNE)

    for key in (*ANNE.digests, *ANNE.storage):
        assert str(key.as_dict(private=True)["k"]) not in shown
    for pair in ANNE.sealing:
        assert str(pair.as_dict(private=True)["d"]) not in shown
