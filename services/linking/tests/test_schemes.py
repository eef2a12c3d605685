"""Promises of the schemes of imported hashes: what other systems wrote is read, and what is too weak is not."""

import base64
import hashlib

import bcrypt
import pytest

from services.linking.former_credentials import schemes
from services.linking.former_credentials.schemes import UnreadableHash

PASSWORD = "un vieux mot de passe évident".encode()
SALT = b"0123456789abcdef"


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def adapted(content: bytes) -> str:
    """As passlib writes base64."""
    return b64(content).rstrip("=").replace("+", ".")


def pbkdf2(function: str, iterations: int = 1000, salt: bytes = SALT) -> bytes:
    return hashlib.pbkdf2_hmac(function, PASSWORD, salt, iterations)


WRITTEN = {
    "ssha": "{SSHA}" + b64(hashlib.sha1(PASSWORD + SALT[:4]).digest() + SALT[:4]),
    "ssha256": "{SSHA256}" + b64(hashlib.sha256(PASSWORD + SALT).digest() + SALT),
    "ssha512 in small letters": "{ssha512}" + b64(hashlib.sha512(PASSWORD + SALT).digest() + SALT),
    "django": f"pbkdf2_sha256$1000${SALT.decode()}${b64(pbkdf2('sha256'))}",
    "passlib": f"$pbkdf2-sha512$1000${adapted(SALT)}${adapted(pbkdf2('sha512'))}",
    "openldap": f"{{PBKDF2-SHA256}}1000${adapted(SALT)}${adapted(pbkdf2('sha256'))}",
    "asp.net identity 3": "{ASPNET3}"
    + b64(b"\1" + b"".join(n.to_bytes(4, "big") for n in (1, 1000, 16)) + SALT + pbkdf2("sha256")),
    "bcrypt": bcrypt.hashpw(PASSWORD, bcrypt.gensalt(4)).decode(),
    "bcrypt of php": bcrypt.hashpw(PASSWORD, bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$"),
}


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
def test_the_right_password_gives_the_imported_digest_and_another_does_not(written: str) -> None:
    found = schemes.read(written)
    assert schemes.digest(found.setting, PASSWORD) == found.digest
    assert schemes.digest(found.setting, PASSWORD + b"x") != found.digest


def test_bcrypt_reads_as_many_bytes_as_the_old_systems_did() -> None:
    long = b"x" * 100
    found = schemes.read(bcrypt.hashpw(long[:72], bcrypt.gensalt(4)).decode())
    assert schemes.digest(found.setting, long) == found.digest


UNREADABLE = {
    "md5": "5f4dcc3b5aa765d61d8327deb882cf99",
    "sha": "{SHA}" + b64(hashlib.sha1(PASSWORD).digest()),
    "ssha without salt": "{SSHA}" + b64(hashlib.sha1(PASSWORD).digest()),
    "no base64": "{SSHA}not base64",
    "crypt": "{CRYPT}xxj31ZMTZzkVA",
    "md5 crypt": "$1$abcdefgh$G6xMgmvZ5G1gKZfeGZ0iP/",
    "django, too costly": "pbkdf2_sha256$900000000$salt0$" + b64(pbkdf2("sha256")),
    "django, no iterations": "pbkdf2_sha256$0$salt0$" + b64(pbkdf2("sha256")),
    "asp.net, too short": "{ASPNET3}" + b64(b"\0short"),
    "asp.net, unknown function": "{ASPNET3}"
    + b64(b"\1" + b"".join(n.to_bytes(4, "big") for n in (9, 1000, 16)) + SALT + pbkdf2("sha256")),
    "bcrypt, too costly": WRITTEN["bcrypt"].replace("$04$", "$31$"),
    "bcrypt, cut off": WRITTEN["bcrypt"][:-1],
    "nothing": "",
}


@pytest.mark.parametrize("written", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_unsalted_too_costly_or_unreadable_is_refused_without_repeating_it(written: str) -> None:
    with pytest.raises(UnreadableHash) as refused:
        schemes.read(written)
    assert not written or written not in str(refused.value)
