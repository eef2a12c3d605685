"""Which passwords may be chosen, and what counts as the same one."""

import pytest
from zxcvbn.matching import L33T_TABLE, enumerate_l33t_subs, relevant_l33t_subtable

from contracts.agency.limits import PasswordLength
from services.accounts.networks.domain import network
from services.accounts.passwords import SIGNS_AS_LETTERS, acceptable, normalized
from services.accounts.people.domain import address_key

LENGTH = PasswordLength(minimum=15, maximum=128)
ABOUT = ("jeanne.belanger@laforce.example", "Jeanne", "Bélanger", "Commission de la construction du Québec", "CCQ")


@pytest.mark.parametrize(
    "password",
    [
        "une phrase de passe pour essayer",
        "correct horse battery staple",
        "soleil lune pluie",
        "la panne du mardi avec Jeanne",
        "x7!Kq2-bZ9#mLpQ",
        "é" * 3 + " nuit d’automne",
    ],
)
def test_a_phrase_of_ones_own_is_accepted(password: str) -> None:
    assert acceptable(password, LENGTH, ABOUT)


@pytest.mark.parametrize(
    "password",
    [
        "x7!Kq2-bZ9#mLp",  # 14 characters
        "x" * 129,
        "passwordpassword",
        "password12345678",
        "motdepassemotdepasse",
        "aaaaaaaaaaaaaaaaaaaa",
        "1234567890123456789",
        "qwertyuiop123456",
        "Jeanne Bélanger 1979",
        "JEANNE.BELANGER@laforce.example",
        "jeanne.belanger1",
        "Commission de la construction",
        "ccqccqccqccqccqccq",
    ],
)
def test_a_common_simple_or_contextual_one_is_refused(password: str) -> None:
    assert not acceptable(password, LENGTH, ABOUT)


def test_length_counts_characters_and_not_bytes() -> None:
    assert acceptable("żółć gęślą jaźń", LENGTH, ABOUT)


def test_normalizing_joins_spellings_and_keeps_characters_apart() -> None:
    assert normalized("cafe\u0301\u00a0noir\u202f!") == "café noir !"
    assert normalized("x²") != normalized("x2")
    assert normalized(" Deux  espaces ") == " Deux  espaces "


def test_a_network_is_one_ipv4_address_or_one_ipv6_site() -> None:
    assert network("203.0.113.7") == network("::ffff:203.0.113.7") == "203.0.113.7"
    assert network("2001:db8:1:2::1") == network("2001:db8:1:2:ffff::9") != network("2001:db8:1:3::1")
    assert network("testclient") == "testclient"


def test_no_password_makes_the_estimate_work_for_long() -> None:
    signs = "4@8({[<369!1|0$5+7%24@8({[<369!1|0$5+7%2"
    assert len(enumerate_l33t_subs(relevant_l33t_subtable(signs.translate(SIGNS_AS_LETTERS), L33T_TABLE))) <= 8


def test_addresses_are_compared_without_case_and_domains_as_dns_spells_them() -> None:
    assert address_key("Person@Strasse-X.example") == address_key("person@strasse-x.example")
    assert address_key("person@stra\u00dfe-x.example") != address_key("person@strasse-x.example")
    assert address_key("  not an address ") == "not an address"
