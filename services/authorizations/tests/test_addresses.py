"""When two addresses lead to one mailbox, when one is a function's, and when somebody else is known by it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.agency.mandates import MailProvider, MandateAddresses
from services.authorizations.addresses.domain import end_of, is_of_a_function, mailbox, places, same_mailbox

RULES = MandateAddresses(
    role_names=frozenset({"info", "reception", "bureau", "comptabilite", "secretariat", "admin", "rendez-vous"}),
    providers=(
        MailProvider(domains=("gmail.com", "googlemail.com"), ignores_dots=True),
        MailProvider(domains=("dashes.example",), tag_separator="-"),
    ),
)

ATOM = st.text("abcxyz019", min_size=1, max_size=8)
LOCAL = st.lists(ATOM, min_size=1, max_size=3).map(".".join)
LABEL = st.text("abc019.", min_size=1, max_size=8).map(lambda label: f"x{label}x".replace("..", "."))
DOMAIN = st.sampled_from(
    ["cabinet.example", "gmail.com", "googlemail.com", "dashes.example", "münchen.example", "straße.example"]
)
ADDRESS = st.builds("{}@{}".format, LOCAL, DOMAIN)


def key(address: str) -> str:
    """What migrations/*_addresses.sql makes of an address that stands here."""
    local, domain = address.split("@")
    return f"{domain.lower()}/{local.lower().split('+')[0].replace('.', '')}"


def finds(asked: str, kept: str) -> bool:
    """Whether looking for the mailbox of one address comes upon the other."""
    at = places(RULES, asked)
    return key(kept) in at.keys or any(part <= key(kept) < end_of(part) for part in at.beginnings)


@given(ADDRESS)
def test_a_mailbox_is_its_own(address: str) -> None:
    assert mailbox(RULES, mailbox(RULES, address)) == mailbox(RULES, address)
    assert same_mailbox(RULES, address, address)


@given(ADDRESS, st.data())
def test_neither_case_nor_the_way_a_domain_is_written_makes_another_mailbox(address: str, data: st.DataObject) -> None:
    other = "".join(data.draw(st.sampled_from([c, c.upper() if c != "ß" else c])) for c in address)
    assert same_mailbox(RULES, address, other)
    local, domain = address.split("@")
    assert same_mailbox(RULES, address, f" {local}@{domain.encode('idna' if 'ß' not in domain else 'utf-8').decode()} ")


@given(LOCAL, LABEL, DOMAIN)
def test_a_label_after_the_providers_separator_makes_no_other_mailbox_and_after_anothers_it_does(
    local: str, label: str, domain: str
) -> None:
    plain, plus, dash = f"{local}@{domain}", f"{local}+{label}@{domain}", f"{local}-{label}@{domain}"
    own, others = (dash, plus) if domain == "dashes.example" else (plus, dash)
    assert same_mailbox(RULES, plain, own)
    assert not same_mailbox(RULES, plain, others)


@given(LOCAL, DOMAIN, st.data())
def test_dots_count_but_where_the_provider_ignores_them(local: str, domain: str, data: st.DataObject) -> None:
    letters = local.replace(".", "")
    dotted = "".join(c + data.draw(st.sampled_from(["", "."])) for c in letters).rstrip(".")
    ignored = domain in ("gmail.com", "googlemail.com")
    assert same_mailbox(RULES, f"{letters}@{domain}", f"{dotted}@{domain}") == (ignored or dotted == letters)


@given(LOCAL)
def test_one_providers_domains_name_the_same_mailboxes(local: str) -> None:
    assert same_mailbox(RULES, f"{local}@gmail.com", f"{local}@GoogleMail.com")
    assert not same_mailbox(RULES, f"{local}@gmail.com", f"{local}@cabinet.example")


@settings(max_examples=300)
@given(LOCAL, st.sampled_from(["", "+", "-"]), LABEL, DOMAIN, DOMAIN, st.data())
def test_whatever_leads_to_a_mailbox_is_found_where_it_is_looked_for(
    local: str, separator: str, label: str, domain: str, other_domain: str, data: st.DataObject
) -> None:
    letters = "".join(c + data.draw(st.sampled_from(["", "."])) for c in local.replace(".", "")).rstrip(".")
    kept = f"{letters}{separator}{label if separator else ''}@{other_domain}"
    asked = f"{local}@{domain}"
    if same_mailbox(RULES, asked, kept):
        assert finds(asked, kept)
        assert finds(kept, asked)


@pytest.mark.parametrize(
    "address",
    [
        "info@cabinet.example",
        "INFO@cabinet.example",
        "info+marie@cabinet.example",
        "info2@cabinet.example",
        "info-2@cabinet.example",
        "info.02@cabinet.example",
        "info_1@cabinet.example",
        "info-clinique@cabinet.example",
        "reception@cabinet.example",
        "comptabilite@cabinet.example",
        "rendez-vous@cabinet.example",
        "rendezvous@cabinet.example",
        "rendez.vous3@cabinet.example",
        "i.n.f.o@gmail.com",
        "bureau-saint-jean@dashes.example",
        "admin-1@xn--mnchen-3ya.example",
    ],
)
def test_the_address_of_a_function_is_known_whatever_stands_after_its_name(address: str) -> None:
    assert is_of_a_function(RULES, address)


@pytest.mark.parametrize(
    "address",
    [
        "marie.tremblay@cabinet.example",
        "infoman@cabinet.example",
        "marie-info@cabinet.example",
        "bureau.jean@cabinet.example",
        "jean.bureau@cabinet.example",
        "receptionnaire@cabinet.example",
        "42@cabinet.example",
        "a-1@cabinet.example",
    ],
)
def test_a_persons_address_is_no_functions(address: str) -> None:
    assert not is_of_a_function(RULES, address)
