"""Files that look like one person's are found, and those that merely share something are not."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from chassis.work import Actor, Work
from contracts.agency import load
from local import ROOT
from services.authorizations.matching import storage
from services.authorizations.matching.domain import Agreement, Description, Matcher
from services.authorizations.matching.handlers import Lookalike, lookalikes
from services.authorizations.matching.storage import Person
from services.authorizations.tests.conftest import TEST, Firm
from services.authorizations.tools import Tools

MATCHER = Matcher(load(ROOT / "agencies" / "ccq").matching)
ZOE = Person("Démonstration", "Zoé", "zoe.demonstration@example.org", ["+15145550177"])


def described(family_name: str, given_name: str, email: str = "", telephone: str = "") -> Description:
    return {
        "family_name": (family_name,), "given_name": (given_name,), "email": (email,), "telephones": (telephone,)
    }  # fmt: skip


SAME = described("Béland-Roy", "Andrée", "andree@firme.example", "+15145550123")


@pytest.mark.parametrize(
    "other",
    [
        described("BELAND ROY", "ANDREE", "andree@firme.example"),
        described("Bélnad-Roy", "Andrée", "", "+1 514 555-0123"),
        described("Andrée", "Béland-Roy", "andree@firme.example"),
        described("Béland", "Andrée", "", "+15145550123"),
        described("Béland-Roy", "André", "andree@firme.exmaple"),
    ],
    ids=["accents and case", "typing error", "swapped names", "half a name", "slip in the domain"],
)
def test_one_person_written_twice_is_above_the_threshold(other: Description) -> None:
    assert MATCHER.compare(SAME, other).evidence >= MATCHER.threshold


@pytest.mark.parametrize(
    "other",
    [
        described("Tremblay", "Luc", "andree@firme.example", "+15145550123"),
        described("Béland-Roy", "Stéphane", "", "+15145550123"),
        described("Béland-Roy", "Andrée"),
        described("Roy", "Andréanne", "roy@firme.example"),
    ],
    ids=["mailbox and switchboard shared", "relatives", "the name alone", "some letters"],
)
def test_two_people_who_share_something_are_below_it(other: Description) -> None:
    assert MATCHER.compare(SAME, other).evidence < MATCHER.threshold


def test_what_agrees_is_named_for_the_agent() -> None:
    found = MATCHER.compare(SAME, described("Beland Roy", "Andrea", "", "+15145550123"))
    assert found.agreeing == {
        "family_name": Agreement.EQUAL, "given_name": Agreement.CLOSE, "telephones": Agreement.EQUAL
    }  # fmt: skip


words = st.text(max_size=12)


@given(words, words, words, words, words, words)
def test_likeness_does_not_depend_on_which_file_is_first(a: str, b: str, c: str, d: str, e: str, f: str) -> None:
    one, other = described(a, b, c), described(d, e, f)
    assert MATCHER.compare(one, other).evidence == pytest.approx(MATCHER.compare(other, one).evidence)


async def _search(firm: Firm, person: Person) -> list[Lookalike]:
    async def handler(work: Work[Tools], _: None) -> list[Lookalike]:
        return await lookalikes(work, person, firm.firm_id)

    return (await firm.opened.unit.run(handler, None, Actor(TEST.kind, TEST.id))).outcome


async def _added(firm: Firm) -> str:
    contact = {
        "family_name": ZOE.family_name, "given_name": ZOE.given_name, "email": ZOE.email, "language": "fr",
        "telephones": [{"kind": "mobile", "number": number} for number in ZOE.telephones],
    }  # fmt: skip
    added = await firm.add_member(contact=contact)
    assert added.status_code == 201, added.text
    return str(added.json()["contact_id"])


@pytest.mark.parametrize(
    "person",
    [
        ZOE,
        Person("zoe", "DEMONSTRATION", None, []),
        Person("Démonstrasion", "Zoé", None, ["+15145550177"]),
        Person("Emonstration", "Zoé", "zoe.demonstration@example.org", []),
        Person("Démonstr", "Zoé", "zoe.demonstration@example.org", []),
    ],
    ids=["the same", "swapped, no accents", "typing error", "first letter missing", "name cut off"],
)
async def test_the_index_finds_a_file_in_spite_of_how_it_is_written(firm: Firm, person: Person) -> None:
    contact_id = await _added(firm)
    assert [str(found.contact_id) for found in await _search(firm, person)] == [contact_id]


async def test_an_erased_person_is_found_no_more(firm: Firm) -> None:
    contact_id = await _added(firm)
    await firm.opened.unit.pool.execute(
        "update personal_fields set family_name = '', given_name = '', email = null, telephones = '[]'"
        " where owner_id = $1::uuid",
        contact_id,
    )
    assert await _search(firm, ZOE) == []


SHARING = """
select c.contact_id, c.organization_id = $5 as at_home,
    (select count(*) from unnest(p.matching_keys) key where key = any(asked.identifiers)) as reached,
    (select count(*) from unnest(p.matching_keys) key where key = any(asked.names)) as names,
    cardinality(asked.names) as all_names
from (
    select matching_keys($1, $2, null) as names, matching_keys(null, null, contact_identifiers($3, $4)) as identifiers
) asked, personal_fields p join contacts c on c.contact_id = p.owner_id
where p.matching_keys && (asked.names || asked.identifiers)
"""


async def _crowd(firm: Firm, chance: random.Random) -> Callable[[], Person]:
    """Three hundred contacts of three organizations who have few names, addresses and numbers among them."""

    def person() -> Person:
        return Person(
            chance.choice(("Tremblay", "Tramblay", "Trembley", "Roy", "Ng", "李")),
            chance.choice(("Zoé", "Zoe", "Luc", "Lucie", "Андрей")),
            chance.choice((None, f"{chance.randrange(40)}@courriel.example")),
            [f"+1514555{chance.randrange(40):04}"] if chance.random() < 0.5 else [],
        )  # fmt: skip

    for number in range(300):
        someone, contact_id = person(), uuid7()
        await firm.opened.unit.pool.execute(
            "insert into contacts (contact_id, organization_id, client_number) values ($1, $2, $3)",
            contact_id, chance.choice([firm.firm_id, *firm.clients.values()]), f"crowd {number}",
        )  # fmt: skip
        await firm.opened.unit.pool.execute(
            "insert into personal_fields (owner_id, family_name, given_name, email, telephones, language)"
            " values ($1, $2, $3, $4, $5, 'fr')",
            contact_id, someone.family_name, someone.given_name, someone.email,
            [{"kind": "mobile", "number": number} for number in someone.telephones],
        )  # fmt: skip
    return person


@pytest.mark.parametrize("at_most", [1_000, 40])
async def test_those_compared_are_the_organizations_own_then_those_with_most_in_common(
    firm: Firm, monkeypatch: pytest.MonkeyPatch, at_most: int
) -> None:
    monkeypatch.setattr(storage, "AT_MOST", at_most)
    person = await _crowd(firm, random.Random(5))
    async with firm.opened.unit.pool.acquire() as connection:
        for _ in range(40):
            asked = person()
            found = [one.contact_id for one in await storage.candidates(connection, asked, firm.firm_id)]
            telephones = [{"number": number} for number in asked.telephones]
            rows = await connection.fetch(
                SHARING, asked.family_name, asked.given_name, asked.email, telephones, firm.firm_id
            )
            rank = {row["contact_id"]: _rank(**row) for row in rows}
            assert len(found) == len(set(found)) == min(len(rank), at_most)
            assert [rank[one] for one in found] == sorted(rank.values())[:at_most], asked


def _rank(contact_id: object, at_home: bool, reached: int, names: int, all_names: int) -> tuple[int, int]:
    """Where a file stands among those compared; names in Latin letters have three keys, others two."""
    if at_home:
        return 0, -(names + reached)
    return (1, 0) if reached and names else (2, 0) if names == all_names else (3, 0) if reached else (4, -names)
