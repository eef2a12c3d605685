"""The hashes that old systems hand over: how each is read, and how its digest is computed again. Plain functions.

Taken are salted schemes of directories and web frameworks: {SSHA…} (OpenLDAP and its kin), PBKDF2 as Django, passlib
and ASP.NET Identity 3 write it, and bcrypt. Not taken is what has no salt or was broken for good (crypt, MD5, NTLM,
plain SHA): whoever had such a password links with coordinates, or the agency runs a directory.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from typing import Literal

import bcrypt

Scheme = Literal["salted", "pbkdf2", "bcrypt"]

DIGEST_SIZES = {"sha1": 20, "sha256": 32, "sha512": 64}
"""Hash functions, and the bytes of their digests."""

MOST_ITERATIONS = 2_000_000
"""Of PBKDF2: about a second of a core. OWASP asks for 600,000 of SHA-256."""

MOST_ROUNDS = 14
"""Of bcrypt, as a power of two: about a second of a core."""

SHORTEST_SALT = 4  # bytes, as early OpenLDAP drew
BCRYPT_READS = 72  # bytes of a password; the old systems ignored what came after, and so do we
BCRYPT_SETTING = 29  # characters before the digest: version, rounds, salt

_LDAP = re.compile(r"\{SSHA(256|512)?\}(.+)", re.IGNORECASE)
_DJANGO = re.compile(r"pbkdf2_(sha1|sha256)\$(\d{1,9})\$([^$]+)\$([A-Za-z0-9+/=]+)")
_PASSLIB = re.compile(r"(?:\$pbkdf2|\{PBKDF2)(?:-(sha1|sha256|sha512))?[$}](\d{1,9})\$([^$]+)\$([^$]+)", re.IGNORECASE)
_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_ASP_NET = re.compile(r"\{ASPNET3\}(.+)")
_ASP_NET_FUNCTIONS = ("sha1", "sha256", "sha512")


class UnreadableHash(ValueError):
    """Why a hash is not taken; says nothing of what it holds."""


@dataclass(frozen=True)
class Setting:
    """What a digest was computed with: the function's name, the salt, the cost, and the digest's length in bytes."""

    scheme: Scheme
    function: str
    salt: bytes
    cost: int
    length: int


@dataclass(frozen=True)
class ImportedHash:
    """A hash as the old system kept it."""

    setting: Setting
    digest: bytes = field(repr=False)


def read(written: str) -> ImportedHash:
    """A hash in one of the schemes. Raises UnreadableHash."""
    try:
        found = _read(written)
    except (ValueError, binascii.Error, IndexError):
        raise UnreadableHash("the hash does not hold what its scheme says") from None
    if found is None:
        raise UnreadableHash("the hash is in no scheme that is taken")
    setting = found.setting
    if len(setting.salt) < SHORTEST_SALT:
        raise UnreadableHash("the hash has no salt to speak of")
    if setting.cost > (MOST_ROUNDS if setting.scheme == "bcrypt" else MOST_ITERATIONS):
        raise UnreadableHash("the hash costs too much work")
    if setting.cost < 1 or len(found.digest) != setting.length:
        raise UnreadableHash("the hash does not hold what its scheme says")
    return found


def digest(setting: Setting, password: bytes) -> bytes:
    """The digest of a password. Takes up to a second of a core: never on the event loop."""
    match setting.scheme:
        case "salted":
            return hashlib.new(setting.function, password + setting.salt).digest()
        case "pbkdf2":
            return hashlib.pbkdf2_hmac(setting.function, password, setting.salt, setting.cost, setting.length)
        case "bcrypt":
            return bcrypt.hashpw(password[:BCRYPT_READS], setting.salt)[BCRYPT_SETTING:]


def _read(written: str) -> ImportedHash | None:
    if found := _LDAP.fullmatch(written):
        function = f"sha{found[1] or '1'}"
        content = base64.b64decode(found[2], validate=True)
        size = DIGEST_SIZES[function]
        return ImportedHash(Setting("salted", function, content[size:], 1, size), content[:size])
    if found := _DJANGO.fullmatch(written):
        return _pbkdf2(found[1], found[2], found[3].encode(), base64.b64decode(found[4], validate=True))
    if found := _PASSLIB.fullmatch(written):
        return _pbkdf2((found[1] or "sha1").lower(), found[2], _adapted_base64(found[3]), _adapted_base64(found[4]))
    if found := _ASP_NET.fullmatch(written):
        return _asp_net(base64.b64decode(found[1], validate=True))
    if found := _BCRYPT.fullmatch(written):
        ascii_hash = written.encode()
        salt, kept = ascii_hash[:BCRYPT_SETTING], ascii_hash[BCRYPT_SETTING:]
        return ImportedHash(Setting("bcrypt", "bcrypt", salt, int(found[1]), len(kept)), kept)
    return None


def _pbkdf2(function: str, iterations: str, salt: bytes, kept: bytes) -> ImportedHash:
    if not DIGEST_SIZES["sha1"] <= len(kept) <= DIGEST_SIZES["sha512"]:
        raise ValueError
    return ImportedHash(Setting("pbkdf2", function, salt, int(iterations), len(kept)), kept)


def _adapted_base64(text: str) -> bytes:
    """Without padding, and with a dot where base64 has a plus, as passlib writes it."""
    return base64.b64decode(text.replace(".", "+") + "=" * (-len(text) % 4), validate=True)


def _asp_net(content: bytes) -> ImportedHash:
    """Version 3: 0x01, then function, iterations and the salt's size as four bytes each, the salt, the digest."""
    if content[0] != 1:
        raise ValueError
    function, iterations, size = (int.from_bytes(content[at : at + 4], "big") for at in (1, 5, 9))
    return _pbkdf2(_ASP_NET_FUNCTIONS[function], str(iterations), content[13 : 13 + size], content[13 + size :])
