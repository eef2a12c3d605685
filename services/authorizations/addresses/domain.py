"""When two addresses lead to one mailbox, and when one is a function's and not a person's. Nothing knows a database."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from chassis.outcomes import Refusal
from contracts.agency.mandates import MandateAddresses

Fault = Literal["role_name", "other_side", "somebody_else"]
"""Why an address is not good for whoever gave it: it stands for a function; it leads where the other side's does;
somebody else is known here by it."""

CODES: Mapping[Fault, str] = {
    "role_name": "address_of_a_function",
    "other_side": "address_of_the_other_side",
    "somebody_else": "address_of_another",
}

SIGNS = re.compile(r"[._-]+")
NUMBER = re.compile(r"[0-9]+$")


@dataclass(frozen=True)
class Giver:
    """Who gives an address, for which request: nobody else is to be known by it. A delegate has no account yet."""

    request_id: UUID
    account_id: UUID | None
    contact_id: UUID | None
    family_name: str = field(repr=False)
    given_name: str = field(repr=False)


@dataclass(frozen=True)
class Named:
    """An account of somebody so called, as it spells the address."""

    account_id: UUID
    email: str = field(repr=False)
    is_active: bool


@dataclass(frozen=True)
class Places:
    """Where an index holds all that may lead to a mailbox, and more: under these keys, and under all that begin so."""

    keys: tuple[str, ...]
    beginnings: tuple[str, ...]


def mailbox(rules: MandateAddresses, address: str) -> str:
    """The one spelling of all addresses that lead to the same mailbox.

    Case does not count, nor how a domain is written (IDNA 2008), nor a label after the provider's separator, nor dots
    where the provider ignores them, nor which of the provider's domains it is.
    """
    local, domain = _parts(address)
    provider = rules.provider(domain)
    separator = (provider.tag_separator if provider else None) or rules.tag_separator
    local = local.partition(separator)[0] or local
    if provider is not None:
        domain = provider.domains[0]
        if provider.ignores_dots:
            local = local.replace(".", "") or local
    return f"{local}@{domain}"


def same_mailbox(rules: MandateAddresses, one: str, other: str) -> bool:
    """Whether both lead to one mailbox."""
    return mailbox(rules, one) == mailbox(rules, other)


def is_of_a_function(rules: MandateAddresses, address: str) -> bool:
    """Whether the address is that of whoever holds a function: by its name alone, or with a number or a word after it.

    A word needs a hyphen before it: `info-clinique` is a function's, `bureau.jean` may be the address of Jean Bureau.
    """
    local = mailbox(rules, address).rpartition("@")[0]
    names = {_letters(name) for name in rules.role_names}
    return _letters(local) in names or _letters(local.partition("-")[0]) in names


def places(rules: MandateAddresses, address: str) -> Places:
    """Where to look for whatever leads to the mailbox: as migrations/*_addresses.sql makes the keys."""
    local, own = _parts(address)
    provider = rules.provider(own)
    separator = (provider.tag_separator if provider else None) or rules.tag_separator
    base = (local.partition(separator)[0] or local).partition("+")[0].replace(".", "")
    domains = dict.fromkeys([own, *(provider.domains if provider else ())])
    written = [spelling for domain in domains for spelling in dict.fromkeys([domain, _in_unicode(domain)])]
    keys = tuple(f"{domain}/{base}" for domain in written)
    return Places(keys, () if separator == "+" else tuple(f"{key}{separator}" for key in keys))


def refused(fault: Fault, field_name: str) -> Refusal:
    """What to do instead; it names nobody, whosever the address is."""
    return Refusal(CODES[fault], fields=(field_name,))


def end_of(beginning: str) -> str:
    """The first text, byte by byte, after all that begin so; the last character of a beginning is ASCII."""
    return beginning[:-1] + chr(ord(beginning[-1]) + 1)


def _parts(address: str) -> tuple[str, str]:
    """What stands before and after the @, in lower case, the domain as DNS spells it."""
    try:
        found = validate_email(address.strip(), check_deliverability=False, allow_smtputf8=True)
    except EmailNotValidError:
        local, _, domain = address.strip().lower().rpartition("@")
        return local, domain
    return found.local_part.lower(), found.ascii_domain.lower()


def _in_unicode(domain: str) -> str:
    try:
        return validate_email(f"a@{domain}", check_deliverability=False).domain
    except EmailNotValidError:
        return domain


def _letters(name: str) -> str:
    return NUMBER.sub("", SIGNS.sub("", name)) or name
