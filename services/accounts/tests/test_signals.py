"""Signs that another person uses an account: what is one, what is none, and what of it is told."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from chassis import keys, rotation
from chassis import settings as environ
from chassis.service import platform
from contracts.accounts import MisuseSuspected
from contracts.agency import load
from contracts.agency.misuse import Devices, Misuse, NetworksAtOnce, Sessions, Signals, Travel
from local import ROOT
from services.accounts.app import service
from services.accounts.settings import AccountsSettings
from services.accounts.signals import domain, places
from services.accounts.signals.domain import Sighting
from services.accounts.signals.places import Place
from services.accounts.tests.conftest import BASE, PASSWORD, Accounts, Signed
from services.accounts.tools import Tools
from tests.fixtures.stack import Database

MONTREAL, PARIS = Place("montreal", 45.5019, -73.5674), Place("paris", 48.8566, 2.3522)
LAVAL = Place("laval", 45.6066, -73.7124)
HOME, MOBILE, CAFE = "203.0.113.7", "198.51.100.20", "192.0.2.30"
AT_ONCE = Signals(networks_at_once=NetworksAtOnce(returns=2, within_minutes=30))
TRAVEL = Signals(travel=Travel(kilometres_per_hour=1000, at_least_kilometres=300))
BEGAN = datetime(2026, 11, 2, 14, tzinfo=UTC)


def seen(minute: float, network: str, place: Place | None = None, *, until: float | None = None) -> Sighting:
    """A sighting that began so many minutes after the first one could."""
    began = BEGAN + timedelta(minutes=minute)
    ended = began if until is None else BEGAN + timedelta(minutes=until)
    return Sighting(began, ended, network.encode(), b"browser", place)


def signs(rules: Signals, *sightings: Sighting) -> list[str]:
    return [suspicion.signal for suspicion in domain.suspicions(rules, sightings)]


def test_who_moves_from_network_to_network_and_comes_back_once_is_no_sign() -> None:
    assert signs(AT_ONCE, seen(0, "home"), seen(5, "bus"), seen(12, "office")) == []
    assert signs(AT_ONCE, seen(0, "home"), seen(5, "bus"), seen(12, "home")) == []


def test_going_back_and_forth_between_two_networks_within_the_time_is_a_sign() -> None:
    turns = [seen(minute, network) for minute, network in ((0, "home"), (4, "abroad"), (8, "home"), (12, "abroad"))]
    assert signs(AT_ONCE, *turns) == ["networks_at_once"]
    apart = [seen(40 * n, network) for n, network in enumerate(("home", "abroad", "home", "abroad"))]
    assert signs(AT_ONCE, *apart) == []


def test_faster_than_an_aeroplane_is_a_sign_and_an_aeroplane_is_none() -> None:
    assert signs(TRAVEL, seen(0, "a", MONTREAL), seen(60, "b", PARIS)) == ["travel"]
    assert signs(TRAVEL, seen(0, "a", MONTREAL), seen(7 * 60, "b", PARIS)) == []
    assert signs(TRAVEL, seen(0, "a", MONTREAL, until=7 * 60 - 5), seen(7 * 60, "b", PARIS)) == ["travel"]


def test_places_that_a_table_cannot_tell_apart_and_unknown_ones_are_no_journey() -> None:
    assert signs(TRAVEL, seen(0, "a", MONTREAL), seen(0.1, "b", LAVAL)) == []
    assert signs(TRAVEL, seen(0, "a", MONTREAL), seen(1, "b"), seen(2, "c")) == []


def test_an_unknown_place_in_between_hides_no_journey() -> None:
    assert signs(TRAVEL, seen(0, "a", MONTREAL), seen(10, "b"), seen(20, "c", PARIS)) == ["travel"]


def test_a_clock_that_runs_back_makes_no_journey_of_a_walk_and_hides_none() -> None:
    assert signs(TRAVEL, seen(1, "a", MONTREAL), seen(0.5, "b", LAVAL)) == []
    [found] = domain.suspicions(TRAVEL, [seen(1, "a", MONTREAL), seen(0.5, "b", PARIS)])
    assert found.since <= found.until


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("203.0.113.0/24,montreal,45.5", "4 columns"),
        ("203.0.113.7/24,montreal,45.5,-73.6", "host bits"),
        ("203.0.113.0/24,Montréal,45.5,-73.6", "lower-case"),
        ("203.0.113.0/24,montreal,95.5,-73.6", "latitude"),
        ("203.0.113.0/24,montreal,north,-73.6", "north"),
    ],
)
def test_a_table_of_places_with_a_faulty_line_is_refused_by_its_number(tmp_path: Path, line: str, reason: str) -> None:
    (tmp_path / "places.csv").write_text(f"prefix,place,latitude,longitude\n10.0.0.0/8,inside,0,0\n{line}\n")
    with pytest.raises(ValueError, match=rf":3: .*{reason}"):
        places.read(tmp_path / "places.csv")


def test_the_longest_prefix_says_the_place_in_both_versions(tmp_path: Path) -> None:
    (tmp_path / "places.csv").write_text(
        "prefix,place,latitude,longitude\n203.0.0.0/16,montreal,45.5,-73.6\n203.0.113.0/24,paris,48.9,2.4\n"
        "2001:db8::/32,paris,48.9,2.4\n"
    )
    table = places.read(tmp_path / "places.csv")
    found = [
        table.of(host) for host in ("203.0.113.9", "203.0.7.9", "2001:db8::7", "::ffff:203.0.113.9", "8.8.8.8", "")
    ]
    assert [place and place.code for place in found] == ["paris", "montreal", "paris", "paris", None, None]


def rule(accounts: Accounts, signals: Signals, **where: Place) -> None:
    """Give the agency these rules, and the operator a table of single addresses."""
    table = {"montreal": HOME, "paris": MOBILE}
    prefixes = {int.from_bytes(bytes(map(int, table[code].split(".")))): place for code, place in where.items()}
    tools = replace(
        accounts.unit.tools,
        agency=replace(accounts.unit.tools.agency, misuse=Misuse(signals=signals)),
        places=places.Places({(4, 32): prefixes}),
    )
    accounts.unit = replace(accounts.unit, tools=tools)
    accounts.set_unit(accounts.unit)


async def refreshed(accounts: Accounts, person: Signed, host: str, **headers: str) -> Signed:
    """The person's session, refreshed from another address."""
    async with accounts.elsewhere(host) as there:
        answer = await there.client.post(
            "/v1/sessions/refresh", json={"refresh_token": person.refresh_token}, headers=headers
        )
    assert answer.status_code == 200, answer.text
    return replace(person, refresh_token=answer.json()["refresh_token"])


async def back_and_forth(accounts: Accounts, person: Signed, times: int = 4, **headers: str) -> Signed:
    for turn in range(times):
        accounts.clock.advance(minutes=4)
        person = await refreshed(accounts, person, (HOME, MOBILE)[turn % 2], **headers)
    return person


async def test_a_session_that_two_networks_use_in_turns_is_told_once_in_the_quiet_time_and_goes_on(
    accounts: Accounts,
) -> None:
    rule(accounts, AT_ONCE)
    person = await back_and_forth(accounts, await accounts.opened(), 10)
    [told] = await accounts.events(MisuseSuspected)
    assert (told.account_id, told.signal, told.networks) == (person.account_id, "networks_at_once", 2)
    accounts.clock.advance(hours=9)
    again = Signed(**{**vars(person), **_of(await accounts.sign_in())})
    accounts.clock.advance(hours=24)
    again = Signed(**{**vars(person), **_of(await accounts.sign_in())})
    await back_and_forth(accounts, again)
    assert len(await accounts.events(MisuseSuspected)) == 2


def _of(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 200, answer.text
    return {name: answer.json()[name] for name in ("access_token", "refresh_token")}


async def test_a_journey_that_nobody_makes_is_told_with_places_and_kilometres_and_no_network(
    accounts: Accounts,
) -> None:
    rule(accounts, TRAVEL, montreal=MONTREAL, paris=PARIS)
    person = await accounts.opened()
    accounts.clock.advance(minutes=30)
    await refreshed(accounts, person, MOBILE)
    [told] = await accounts.events(MisuseSuspected)
    assert (told.signal, told.places, told.kilometres) == ("travel", ("montreal", "paris"), 5505)
    rows = await accounts.everything()
    for host in (HOME, MOBILE, "203.0.113", "198.51.100"):
        assert not any(host in text for text in rows.values())


async def test_a_person_moving_about_in_a_providers_pool_is_in_one_network(accounts: Accounts) -> None:
    rule(accounts, AT_ONCE)
    person = await accounts.opened()
    for turn in range(8):
        accounts.clock.advance(minutes=2)
        person = await refreshed(accounts, person, ("203.0.113.7", "203.0.113.91")[turn % 2])
    assert await accounts.events(MisuseSuspected) == []
    assert await accounts.pool.fetchval("select count(*) from sightings") == 1


async def test_many_people_behind_one_address_are_no_sign_of_anything(accounts: Accounts) -> None:
    rule(accounts, Signals(networks_at_once=NetworksAtOnce(returns=1, within_minutes=30), devices=Devices(
        count=2, within_hours=24), sessions=Sessions(count=2)))  # fmt: skip
    for number in range(4):
        person = await accounts.opened(f"membre{number}@laforce.example")
        await refreshed(accounts, person, HOME)
    assert await accounts.events(MisuseSuspected) == []
    assert await accounts.pool.fetchval("select count(distinct network) from sightings") == 4


async def test_many_devices_and_many_sessions_are_signs_and_each_is_counted(accounts: Accounts) -> None:
    rule(accounts, Signals(devices=Devices(count=3, within_hours=24), sessions=Sessions(count=4)))
    await accounts.opened()
    for device in ("Firefox", "Safari", "Edge"):
        body = {"login": "membre@laforce.example", "password": PASSWORD}
        answer = await accounts.client.post("/v1/sessions", json=body, headers={"User-Agent": device})
        assert answer.status_code == 200
    told = {event.signal: event for event in await accounts.events(MisuseSuspected)}
    assert told["many_devices"].devices == 3 and told["many_sessions"].sessions == 4


async def test_a_client_cannot_choose_its_network_by_a_header(accounts: Accounts) -> None:
    rule(accounts, AT_ONCE)
    person = await accounts.opened()
    for turn in range(6):
        accounts.clock.advance(minutes=2)
        forged = {"X-Forwarded-For": (MOBILE, CAFE)[turn % 2], "Forwarded": f"for={MOBILE}", "X-Real-IP": MOBILE}
        person = await refreshed(accounts, person, HOME, **forged)
    assert await accounts.events(MisuseSuspected) == []


async def test_an_agency_without_signals_notes_nothing(accounts: Accounts) -> None:
    await back_and_forth(accounts, await accounts.opened())
    assert await accounts.pool.fetchval("select count(*) from sightings") == 0


async def test_where_nothing_changed_a_refresh_writes_no_sighting_more_than_once_a_minute(accounts: Accounts) -> None:
    rule(accounts, AT_ONCE)
    person = await accounts.opened()
    before = await accounts.pool.fetchrow("select seen_from, seen_until from sightings")
    accounts.clock.advance(seconds=30)
    person = await refreshed(accounts, person, HOME)
    assert await accounts.pool.fetchrow("select seen_from, seen_until from sightings") == before
    accounts.clock.advance(minutes=3)
    await refreshed(accounts, person, HOME)
    assert before is not None
    [after] = await accounts.pool.fetch("select seen_from, seen_until from sightings")
    assert after["seen_from"] == before["seen_from"] and after["seen_until"] > before["seen_until"]


async def test_while_keys_rotate_nobody_moves_for_that_and_who_moves_is_seen(accounts: Accounts) -> None:
    rule(accounts, AT_ONCE)
    unit, person = accounts.unit, await accounts.opened()
    added = rotation.with_another(unit.tools.keyring, "digests")
    rings = (added, rotation.with_newest_first(added, "digests", accounts.clock()))  # processes that stand side by side

    async def turns(hosts: tuple[str, ...], person: Signed) -> Signed:
        for turn, host in enumerate(hosts):
            accounts.set_unit(replace(unit, tools=replace(unit.tools, keyring=rings[turn // 2 % 2])))
            accounts.clock.advance(minutes=4)
            person = await refreshed(accounts, person, host)
        return person

    person = await turns((HOME,) * 8, person)
    assert await accounts.events(MisuseSuspected) == []
    assert await accounts.pool.fetchval("select count(*) from sightings") == 1
    await turns((MOBILE, HOME, MOBILE, HOME), person)
    [told] = await accounts.events(MisuseSuspected)
    assert told.networks == 2


TORONTO = Place("toronto", 43.6532, -79.3832)  # 505 km from Montreal
QUEBEC = Place("quebec", 46.8139, -71.2080)  # 233 km


def as_the_ramq(accounts: Accounts, **where: Place) -> None:
    """Give the agency the thresholds that stand in agencies/ramq/misuse.yaml."""
    rule(accounts, load(ROOT / "agencies" / "ramq").misuse.signals, **where)


async def in_turns(accounts: Accounts, turns: int, minutes: float = 4) -> None:
    """One session, used in turns from home and from a telephone: each turn but the first two is a return."""
    person = await accounts.opened()
    for turn in range(1, turns):
        accounts.clock.advance(minutes=minutes)
        person = await refreshed(accounts, person, (HOME, MOBILE)[turn % 2])


async def by_devices(accounts: Accounts, count: int, hours: float = 2) -> None:
    """So many browsers sign in, one long after the other."""
    await accounts.opened()
    for number in range(1, count):
        accounts.clock.advance(hours=hours)
        body = {"login": "membre@laforce.example", "password": PASSWORD}
        answer = await accounts.client.post("/v1/sessions", json=body, headers={"User-Agent": f"Browser {number}"})
        assert answer.status_code == 200


async def by_sessions(accounts: Accounts, count: int, minutes: float = 5) -> None:
    """So many sessions of one person and one browser."""
    await accounts.opened()
    for _ in range(1, count):
        accounts.clock.advance(minutes=minutes)
        assert (await accounts.sign_in()).status_code == 200


async def on_the_way(accounts: Accounts, to: Place, minutes: float) -> None:
    """From Montreal to somewhere else."""
    as_the_ramq(accounts, montreal=MONTREAL, paris=to)
    person = await accounts.opened()
    accounts.clock.advance(minutes=minutes)
    await refreshed(accounts, person, MOBILE)


Use = Callable[[Accounts], Awaitable[None]]

SIGNS: dict[str, tuple[Use, dict[str, Any]]] = {
    "back a third time within half an hour": (
        lambda a: in_turns(a, 5), {"signal": "networks_at_once", "networks": 2}
    ),
    "505 km in a quarter of an hour": (
        lambda a: on_the_way(a, TORONTO, 15),
        {"signal": "travel", "places": ("montreal", "toronto"), "kilometres": 504, "networks": 2},
    ),
    "the sixth device of a day": (lambda a: by_devices(a, 6), {"signal": "many_devices", "devices": 6, "networks": 1}),
    "the sixth session at once": (lambda a: by_sessions(a, 6), {"signal": "many_sessions", "sessions": 6}),
}  # fmt: skip
NONE: dict[str, Use] = {
    "back twice": lambda a: in_turns(a, 4),
    "back three times in an hour": lambda a: in_turns(a, 5, minutes=11),
    "505 km in three quarters of an hour": lambda a: on_the_way(a, TORONTO, 45),
    "233 km at once": lambda a: on_the_way(a, QUEBEC, 1),
    "five devices": lambda a: by_devices(a, 5),
    "six devices in two days": lambda a: by_devices(a, 6, hours=6),
    "five sessions": lambda a: by_sessions(a, 5),
    "six sessions, of which the first are long unused": lambda a: by_sessions(a, 6, minutes=13),
}


@pytest.mark.parametrize("named", SIGNS)
async def test_by_the_ramqs_thresholds_each_sign_is_told_and_noted_once(accounts: Accounts, named: str) -> None:
    as_the_ramq(accounts)
    use, expected = SIGNS[named]
    await use(accounts)
    [told] = await accounts.events(MisuseSuspected)
    assert {name: getattr(told, name) for name in expected} == expected
    assert told.since <= told.until <= accounts.clock()
    noted = await accounts.pool.fetch("select object_id, detail from audit where action = 'sign_of_misuse_seen'")
    assert [(row["object_id"], row["detail"]["signal"]) for row in noted] == [(told.account_id, expected["signal"])]


@pytest.mark.parametrize("named", NONE)
async def test_by_the_ramqs_thresholds_what_a_person_may_do_is_no_sign(accounts: Accounts, named: str) -> None:
    as_the_ramq(accounts)
    await NONE[named](accounts)
    assert await accounts.events(MisuseSuspected) == []


TABLE = "prefix,place,latitude,longitude\n203.0.113.0/24,montreal,45.5,-73.6\n198.51.100.0/24,paris,48.9,2.4\n"


@pytest.fixture
async def environment(database: Database, tmp_path: Path) -> dict[str, str]:
    """What a process of accounts is told, with a table of places."""
    own = keys.generate("accounts")
    own.write(tmp_path / "keyring.json")
    keys.write_public([own], tmp_path / "sealing.json")
    (tmp_path / "places.csv").write_text(TABLE)
    return {
        "MANDAT_AGENCY": str(ROOT / "agencies" / "ramq"), "MANDAT_DATABASE_URL": await database("accounts"),
        "MANDAT_GATEWAY_PORT": "1", "MANDAT_OPERATIONS_PORT": "1", "MANDAT_ISSUER_BASE": BASE,
        "MANDAT_KEYRING": str(tmp_path / "keyring.json"), "MANDAT_SEALING_KEYS": str(tmp_path / "sealing.json"),
        "MANDAT_PLACES": str(tmp_path / "places.csv"),
    }  # fmt: skip


async def test_the_file_that_the_environment_names_says_the_places(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    async with platform(service, environ.read(AccountsSettings)) as (_, unit):
        tools: Tools = unit.tools
        found = [tools.places.of(host) for host in (HOME, MOBILE, CAFE)]
    assert [place and place.code for place in found] == ["montreal", "paris", None]


def put(file: Path, table: str | None) -> None:
    """Another table, or none, where the environment names one."""
    file.unlink()
    if table is not None:
        file.write_text(table)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (TABLE + "198.51.100.7/24,paris,48.9,2.4\n", "places.csv:4: 198.51.100.7/24 has host bits set"),
        ("prefix;place\n", "places.csv:1: the first line names the columns prefix, place, latitude, longitude"),
        (None, "No such file or directory"),
    ],
)
async def test_a_process_does_not_start_on_a_faulty_table_and_names_the_line_and_the_reason(
    environment: dict[str, str], table: str | None, said: str
) -> None:
    put(Path(environment["MANDAT_PLACES"]), table)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.accounts", "api",
        env=environment, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 1
    assert "not started" in output.decode() and said in output.decode() and "places.csv" in output.decode()
