"""The digest of the day, and the yearly confirmation of a list."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from uuid_utils.compat import uuid7

from chassis import keys
from chassis.sealing import Sealer
from chassis.work import Unit
from contracts.linking import ProfileLinked
from contracts.notifications import Ending, EndsDigestContents
from services.authorizations.bindings.handlers import follow_link
from services.authorizations.mailing import lines
from services.authorizations.notices import chores
from services.authorizations.notices.chores import tell
from services.authorizations.notices.domain import End, Matters, days_told, late_since
from services.authorizations.notices.handlers import begin_round, tell_some
from services.authorizations.tests.conftest import TEST, Firm, Someone
from services.authorizations.tests.special_days import SPRING
from services.authorizations.tools import Tools
from tests.fixtures.patience import PATIENCE

QUEBEC = ZoneInfo("America/Toronto")
SHW, PLUMBER = "ENTREPRISE SHW INC.", "PLOMBERIE RICHARD BÉLANGER"


@dataclass
class Days:
    """The firm, the agency's today, and whoever opens the mails."""

    firm: Firm
    reader: Sealer
    today: date

    def unit(self, day: date) -> Unit[Tools]:
        """A worker at noon of a day."""
        return self.at(datetime.combine(day, datetime.min.time(), QUEBEC) + timedelta(hours=12))

    def at(self, instant: datetime) -> Unit[Tools]:
        """A worker at an instant."""
        unit = self.firm.opened.unit
        return replace(unit, origin=replace(unit.origin, clock=lambda: instant.astimezone(UTC)))

    async def tell(self, day: date) -> None:
        """A worker tells on a day until nothing is left to tell."""
        await told(self.unit(day))

    async def digests(self, reader: UUID | None = None) -> list[dict[str, Any]]:
        """The digests that were asked for; only one reader's."""
        found = await self.firm.opened.published("EndsDigestMail")
        return [mail for mail in found if reader is None or mail["recipient_id"] == str(reader)]

    def opened(self, mail: dict[str, Any]) -> EndsDigestContents:
        """What is under the seal."""
        contents = self.reader.open(mail["sealed"], EndsDigestContents)
        assert isinstance(contents, EndsDigestContents)
        return contents

    async def listed(self, reader: UUID) -> list[list[Ending]]:
        """What each digest of a reader lists."""
        return [list(self.opened(mail).ends.listed) for mail in await self.digests(reader)]

    async def member(self, last_day: date) -> Someone:
        """A staff member until a day."""
        added = await self.firm.add_member(ends_on=last_day.isoformat())
        assert added.status_code == 201, added.text
        return await self.firm.link(UUID(added.json()["contact_id"]))

    async def recertify(self, headers: dict[str, str], etag: str | None = None, **changes: Any) -> Any:
        """Confirm the firm's list, as it stands or as it stood with `etag`."""
        path = f"/v1/organizations/{self.firm.firm_id}/recertification"
        etag = etag or (await self.firm.client.get(path, headers=self.firm.responsible.headers)).headers["etag"]
        body = {"attestations": await self.firm.attestations("recertification")} | changes
        return await self.firm.client.post(path, json=body, headers=headers | {"If-Match": etag})


async def told(unit: Unit[Tools]) -> None:
    """Let a worker tell until nothing is left to tell."""
    while await tell(unit) is not None:
        pass


@pytest.fixture
def days(firm: Firm, keyring_folder: Path) -> Days:
    ring = keys.read(keyring_folder / "notifications.json")
    reader = Sealer(ring, keys.read_public(keyring_folder / "public.json"))
    return Days(firm, reader, datetime.now(QUEBEC).date())


async def test_an_end_is_told_thirty_and_seven_days_before_and_on_the_day(days: Days) -> None:
    last_day = days.today + timedelta(days=40)
    member = await days.member(last_day)
    for passed in range(42):
        await days.tell(days.today + timedelta(days=passed))
    expected = [(last_day - timedelta(days=before)).isoformat() for before in (30, 7, 0)]
    for reader in (member, days.firm.responsible):
        assert [mail["day"] for mail in await days.digests(reader.contact_id)] == expected
        assert {mail["late_since"] for mail in await days.digests(reader.contact_id)} == {None}
    (ours, *_), (own, *_) = [await days.listed(reader.contact_id) for reader in (days.firm.responsible, member)]
    assert ours == [
        Ending(
            ends_on=last_day,
            organization_name="LAFORCE COMPTABLE INC.",
            member_name="Démo Personnel",
            function="staff_member",
        )
    ]
    assert own == [ours[0].model_copy(update={"member_name": ""})]


async def test_a_right_that_ends_today_is_told_today_and_in_force_all_day(days: Days) -> None:
    member = await days.member(days.today)
    await days.tell(days.today)
    assert [mail["day"] for mail in await days.digests(member.contact_id)] == [days.today.isoformat()]
    last_minute = datetime.combine(days.today, datetime.max.time(), QUEBEC)
    for at, allowed in ((last_minute, True), (last_minute + timedelta(seconds=1), False)):
        decision = await days.firm.check(member.account_id, "profile", days.firm.firm_id, "read", at=at.isoformat())
        assert decision["decision"] is allowed


async def test_a_subject_that_ends_before_its_relation_is_told_by_its_name(days: Days) -> None:
    member = await days.firm.member()
    await days.firm.opened.unit.pool.execute(
        "update rights set valid = daterange(lower(valid), $2) where relation_id in"
        " (select relation_id from relations where holder_id = $1)",
        member.contact_id,
        days.today + timedelta(days=8),
    )
    await days.tell(days.today)
    ((ending,),) = await days.listed(member.contact_id)
    assert (ending.subject, ending.ends_on) == ("profile", days.today + timedelta(days=7))


async def test_a_firm_and_its_client_are_both_told_of_their_relation_and_a_client_not_of_the_members(
    days: Days,
) -> None:
    pool, ends = days.firm.opened.unit.pool, (days.today + timedelta(days=7))
    member = await days.firm.member()
    assert (
        await days.firm.delegate(member.contact_id, days.firm.clients[PLUMBER], ends_on=ends.isoformat())
    ).status_code == 201
    await pool.execute(
        "update relations set valid = daterange(lower(valid), $2) where organization_id = $1 and holder_id = $3",
        days.firm.clients[SHW], ends + timedelta(days=1), days.firm.firm_id,
    )  # fmt: skip
    await days.tell(days.today)
    ((client,),) = await days.listed(await days.firm.contact("3000003"))
    assert (client.organization_name, client.member_name, client.function) == (SHW, "", "accounting_firm")
    assert await days.digests(await days.firm.contact("3000004")) == []
    ((delegated, own),) = await days.listed(days.firm.responsible.contact_id)
    assert {delegated.organization_name, own.organization_name} == {SHW, PLUMBER}
    assert await days.listed(member.contact_id) == [
        [Ending(ends_on=ends, organization_name=PLUMBER, function="staff_member")]
    ]


async def test_what_was_withdrawn_or_hangs_on_what_ended_is_not_told(days: Days) -> None:
    ends = (days.today + timedelta(days=7)).isoformat()
    member = await days.firm.member()
    await days.firm.delegate(member.contact_id, days.firm.clients[SHW], ends_on=ends)
    assert (await days.firm.remove(member.contact_id)).status_code == 200
    acting = await days.firm.member()
    await days.firm.delegate(acting.contact_id, days.firm.clients[PLUMBER], ends_on=ends)
    await days.firm.opened.unit.pool.execute(
        "update relations set ended_at = now() where holder_id = $1 and organization_id = $2",
        days.firm.firm_id, days.firm.clients[PLUMBER],
    )  # fmt: skip
    await days.tell(days.today)
    assert await days.digests() == []


async def test_nobody_is_told_of_an_organization_that_is_not_active(days: Days) -> None:
    await days.member(days.today)
    member, pool = await days.member(days.today + timedelta(days=1)), days.firm.opened.unit.pool
    await pool.execute("update statuses set active = false where owner_id = $1", days.firm.firm_id)
    await days.tell(days.today)
    assert await days.digests() == []
    await pool.execute("update statuses set active = true where owner_id = $1", days.firm.firm_id)
    await days.tell(days.today + timedelta(days=1))
    assert len(await days.digests(member.contact_id)) == 1


async def test_several_ends_come_in_one_mail_and_a_long_list_says_how_many_more(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "LONGEST", 3)
    for before in (0, 7, 7, 30):
        await days.member(days.today + timedelta(days=before))
    await days.tell(days.today)
    (mail,) = await days.digests(days.firm.responsible.contact_id)
    ends = days.opened(mail).ends
    assert [(ending.ends_on - days.today).days for ending in ends.listed] == [0, 7]
    assert (ends.more, mail["priority"]) == (2, "bulk")


async def _also(days: Days, someone: Someone, own: UUID) -> None:
    """Another contact becomes a file of the same account."""
    linked = ProfileLinked(
        link_id=uuid7(), account_id=someone.account_id, contact_id=own, organization_id=days.firm.clients[PLUMBER],
        method="linking_coordinates", linked_at=datetime.now(UTC),
    )  # fmt: skip
    await days.firm.opened.unit.run(follow_link, linked, TEST)


async def _ends(days: Days, holder_id: UUID, last_day: date) -> None:
    await days.firm.opened.unit.pool.execute(
        "update relations set valid = daterange(lower(valid), $2, '[]') where holder_id = $1", holder_id, last_day
    )


@pytest.mark.parametrize("portion", [1, 20])
async def test_one_account_with_several_files_is_told_of_all_in_one_mail_a_day(
    days: Days, portion: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chores, "PORTION", portion)
    own, week = await days.firm.contact("3000005"), days.today + timedelta(days=7)
    member = await days.member(days.today)
    await _also(days, member, own)
    await _ends(days, own, week)
    await days.tell(days.today)
    told_them = [mail for mail in await days.digests() if mail["recipient_id"] in (str(own), str(member.contact_id))]
    (mail,) = told_them
    ends, others = days.opened(mail).ends.listed, days.opened(mail).others.listed
    assert [(one.ends_on, one.organization_name, one.member_name) for one in ends] == [
        (days.today, "LAFORCE COMPTABLE INC.", ""), (week, PLUMBER, ""),
    ]  # fmt: skip
    assert (mail["organization_name"], [one.organization_name for one in others]) == (
        "LAFORCE COMPTABLE INC.", [PLUMBER],
    )  # fmt: skip
    for manager in (days.firm.responsible.contact_id, await days.firm.contact("3000004")):
        assert len(await days.digests(manager)) == 1  # of each file apart, as it is theirs
    await days.tell(days.today)
    assert len(await days.digests()) == 3


async def test_of_two_workers_with_a_file_each_of_one_account_one_tells(days: Days) -> None:
    own = await days.firm.contact("3000005")
    member = await days.member(days.today)
    await _also(days, member, own)
    await _ends(days, own, days.today)
    unit, pool = days.unit(days.today), days.firm.opened.unit.pool
    await unit.run(begin_round, None, TEST)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("lock table digests in share mode")  # both have read what there is to tell
        workers = [asyncio.create_task(unit.run(tell_some, 1, TEST)) for _ in range(2)]
        async with asyncio.timeout(PATIENCE):
            waiting = "select count(*) from pg_locks where not granted and relation = 'digests'::regclass"
            while await pool.fetchval(waiting) < 2:
                await asyncio.sleep(0.01)
    await asyncio.gather(*workers)
    await days.tell(days.today)
    assert len([m for m in await days.digests() if m["recipient_id"] in (str(own), str(member.contact_id))]) == 1


async def test_who_is_to_confirm_several_lists_reads_each_with_its_day(days: Days) -> None:
    manager = await days.firm.contact("3000004")
    await _also(days, days.firm.responsible, manager)
    await days.tell(days.today)
    await days.tell(_in_a_year(days.today))
    mine = {str(days.firm.responsible.contact_id), str(manager)}
    (mail,) = [mail for mail in await days.digests() if mail["recipient_id"] in mine]
    assert mail["confirm_by"] == _in_a_year(days.today).isoformat()
    others = [(one.organization_name, one.confirm_by) for one in days.opened(mail).others.listed]
    assert others == [(PLUMBER, _in_a_year(days.today))]


async def test_a_mail_in_clear_names_no_person(days: Days) -> None:
    await days.member(days.today)
    await days.tell(days.today)
    rows = await days.firm.opened.unit.pool.fetch("select payload, topic from outbox where topic like '%bulk%'")
    assert len(rows) == 2
    assert not [row for row in rows if "Personnel" in bytes(row["payload"]).decode()]


async def test_nobody_is_told_twice_on_one_day(days: Days) -> None:
    member = await days.member(days.today)
    await days.tell(days.today)
    await days.member(days.today)
    await days.tell(days.today)
    assert len(await days.digests(member.contact_id)) == len(await days.digests(days.firm.responsible.contact_id)) == 1


async def test_two_workers_at_once_tell_once(days: Days) -> None:
    members = [await days.member(days.today) for _ in range(3)]
    await asyncio.gather(*(told(days.unit(days.today)) for _ in range(4)))
    assert sorted(mail["recipient_id"] for mail in await days.digests()) == sorted(
        str(someone.contact_id) for someone in [*members, days.firm.responsible]
    )


async def test_what_was_missed_is_told_once_on_the_next_day_that_anybody_works(days: Days) -> None:
    await days.tell(days.today)
    member = await days.member(days.today + timedelta(days=8))
    for late in (3, 4):
        await days.tell(days.today + timedelta(days=late))
    (mail,) = await days.digests(member.contact_id)
    assert mail["day"] == (days.today + timedelta(days=3)).isoformat()
    assert mail["late_since"] == (days.today + timedelta(days=1)).isoformat()
    ((ending,),) = await days.listed(member.contact_id)
    assert ending.ends_on == days.today + timedelta(days=8)


async def test_a_round_that_was_cut_short_goes_on_the_next_day_and_repeats_nothing(days: Days) -> None:
    pool = days.firm.opened.unit.pool
    member = await days.member(days.today)
    await days.tell(days.today)
    # As if the worker had stopped before it came to the firm, after it had written to the member.
    await pool.execute("insert into digests_waiting values ($1, $2)", days.firm.firm_id, days.today - timedelta(days=1))
    await pool.execute("delete from digests where contact_id = $1", days.firm.responsible.contact_id)
    await pool.execute("delete from outbox")
    await days.tell(days.today + timedelta(days=1))
    assert await days.digests(member.contact_id) == []
    ((late,),) = await days.listed(days.firm.responsible.contact_id)
    assert late.ends_on == days.today
    (mail,) = await days.digests(days.firm.responsible.contact_id)
    assert mail["late_since"] == days.today.isoformat()


async def test_the_day_is_the_agencys_also_where_the_clocks_change(days: Days) -> None:
    member = await days.member(SPRING)
    midnight = datetime.combine(SPRING, time(5), UTC)
    await told(days.at(midnight - timedelta(days=1)))
    before = len(await days.digests(member.contact_id))
    await told(days.at(midnight - timedelta(seconds=1)))
    assert len(await days.digests(member.contact_id)) == before
    await told(days.at(midnight))
    assert [mail["day"] for mail in await days.digests(member.contact_id)][before:] == [str(SPRING)]
    await told(days.at(midnight + timedelta(hours=23) - timedelta(seconds=1)))  # still that day, of 23 hours
    assert len(await days.digests(member.contact_id)) == before + 1


@pytest.mark.parametrize(
    ("since", "today", "expected"),
    [
        (date(2027, 3, 13), date(2027, 3, 14), [date(2027, 3, 14), date(2027, 3, 21), date(2027, 4, 13)]),
        (date(2028, 2, 21), date(2028, 2, 22), [date(2028, 2, 22), date(2028, 2, 29), date(2028, 3, 23)]),
        (date(2027, 3, 14), date(2027, 3, 14), []),
        (date(2027, 3, 15), date(2027, 3, 14), []),
    ],
)
def test_each_end_is_due_on_its_days(since: date, today: date, expected: list[date]) -> None:
    assert days_told((30, 7, 0), since, today) == expected


def _matters(*ends_on: date, confirm_by: date | None = None) -> Matters:
    return Matters([End(day, UUID(int=0), "", "", "staff_member", None) for day in ends_on], confirm_by)


@pytest.mark.parametrize(
    ("matters", "since", "expected"),
    [
        (_matters(date(2027, 3, 21)), date(2027, 3, 13), None),
        (_matters(date(2027, 3, 21)), date(2027, 3, 10), None),
        (_matters(date(2027, 3, 20)), date(2027, 3, 10), date(2027, 3, 13)),
        (_matters(date(2027, 3, 12), date(2027, 3, 13)), date(2027, 3, 10), date(2027, 3, 12)),
        (_matters(date(2027, 3, 12)), date(2027, 3, 12), None),
        (_matters(confirm_by=date(2027, 4, 12)), date(2027, 3, 10), date(2027, 3, 13)),
        (_matters(confirm_by=date(2027, 4, 13)), date(2027, 3, 10), None),
    ],
)
def test_a_notice_is_late_since_the_first_day_that_was_missed(
    matters: Matters, since: date, expected: date | None
) -> None:
    assert late_since(matters, (30, 7, 0), (30, 0, -30), since, date(2027, 3, 14)) == expected


def test_an_outage_of_years_looks_back_a_month() -> None:
    assert min(days_told((0,), date(2020, 1, 1), date(2027, 3, 14))) == date(2027, 2, 12)


async def test_those_who_manage_confirm_the_list_once_a_year(days: Days) -> None:
    path = f"/v1/organizations/{days.firm.firm_id}/recertification"
    await days.tell(days.today)
    shown = (await days.firm.client.get(path, headers=days.firm.responsible.headers)).json()
    assert shown == {
        "due_on": _in_a_year(days.today).isoformat(), "overdue": False, "confirmed_at": None, "confirmed_by": None,
    }  # fmt: skip
    confirmed = await days.recertify(days.firm.responsible.headers)
    assert confirmed.status_code == 200, confirmed.text
    by = confirmed.json()["confirmed_by"]
    assert (by["contact_id"], confirmed.json()["due_on"]) == (str(days.firm.responsible.contact_id), shown["due_on"])
    (event,) = await days.firm.opened.published("OrganizationRecertified")
    assert {name for name in event if name != "name"} == {"organization_id", "sequence"}
    audited = await days.firm.opened.unit.pool.fetchrow(
        "select rule, object_id from audit where action = 'organization_recertified'"
    )
    assert audited is not None and dict(audited) == {
        "rule": "manages:responsible_person",
        "object_id": days.firm.firm_id,
    }
    kept = await days.firm.opened.unit.pool.fetchval(
        "select count(*) from attestations where object_id = $1 and code = 'list_reviewed'", days.firm.firm_id
    )
    assert kept == 1


def _in_a_year(day: date) -> date:
    return day.replace(year=day.year + 1, day=28) if (day.month, day.day) == (2, 29) else day.replace(year=day.year + 1)


async def _etag(days: Days) -> str:
    path = f"/v1/organizations/{days.firm.firm_id}/recertification"
    return str((await days.firm.client.get(path, headers=days.firm.responsible.headers)).headers["etag"])


async def test_a_list_that_changed_since_it_was_seen_is_not_confirmed(days: Days) -> None:
    member = await days.firm.member()
    changes: list[Callable[[], Any]] = [
        lambda: days.firm.delegate(member.contact_id, days.firm.clients[SHW]),
        lambda: days.firm.remove(member.contact_id),
    ]
    for change in changes:
        seen = await _etag(days)
        assert (await change()).status_code < 300
        refused = await days.recertify(days.firm.responsible.headers, etag=seen)
        assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed")
    assert await days.firm.opened.published("OrganizationRecertified") == []


async def test_only_those_who_manage_it_confirm_or_see_it_and_with_their_statement(days: Days) -> None:
    path = f"/v1/organizations/{days.firm.firm_id}/recertification"
    member = await days.firm.member()
    for refused in (
        await days.recertify(member.headers),
        await days.firm.client.get(path, headers=member.headers),
    ):
        assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    assert (await days.firm.client.get(path, headers=days.firm.agent)).status_code == 200
    unticked = await days.recertify(days.firm.responsible.headers, attestations=[])
    assert unticked.json()["code"] == "attestation_missing"
    body = {"attestations": await days.firm.attestations("recertification")}
    unseen = await days.firm.client.post(path, json=body, headers=days.firm.responsible.headers)
    assert unseen.json()["code"] == "precondition_required"


async def test_who_manages_is_reminded_when_a_list_is_due_and_overdue_and_nothing_is_withdrawn(days: Days) -> None:
    await days.tell(days.today)
    member = await days.firm.member()
    due = _in_a_year(days.today)
    for passed in (-31, -30, -1, 0, 1, 30, 60, 90, 91, 120):
        await days.tell(due + timedelta(days=passed))
    reminded = await days.digests(days.firm.responsible.contact_id)
    assert [(date.fromisoformat(mail["day"]) - due).days for mail in reminded] == [-30, 0, 30, 60, 90]
    assert {mail["confirm_by"] for mail in reminded} == {due.isoformat()}
    assert await days.digests(member.contact_id) == []
    at = datetime.combine(due + timedelta(days=121), datetime.min.time(), QUEBEC)
    decision = await days.firm.check(member.account_id, "profile", days.firm.firm_id, "read", at=at.isoformat())
    assert decision["decision"]


async def test_on_which_days_and_how_often_is_the_agencys_data(days: Days) -> None:
    opened, rules = days.firm.opened, days.firm.opened.tools.agency.notices
    assert rules.recertification
    notices = rules.model_copy(
        update={
            "ends": rules.ends.model_copy(update={"days_before": (10,)}),
            "recertification": rules.recertification.model_copy(
                update={"every_months": 1, "remind_days_before": (0,), "remind_days_after": ()}
            ),
        }
    )
    agency = replace(opened.tools.agency, notices=notices)
    object.__setattr__(opened.unit, "tools", replace(opened.tools, agency=agency))
    ends_on = days.today + timedelta(days=20)
    member = await days.member(ends_on)
    for passed in range(40):
        await days.tell(days.today + timedelta(days=passed))
    assert [mail["day"] for mail in await days.digests(member.contact_id)] == [str(ends_on - timedelta(days=10))]
    confirmed = await days.recertify(days.firm.responsible.headers)
    due = date.fromisoformat(confirmed.json()["due_on"])
    assert 28 <= (due - days.today).days <= 31
    told_lists = [m for m in await days.digests(days.firm.responsible.contact_id) if m["confirm_by"] is not None]
    assert [(mail["day"], mail["confirm_by"]) for mail in told_lists] == [(str(due), str(due))]


async def test_a_list_that_was_confirmed_calls_for_no_reminder(days: Days) -> None:
    await days.tell(days.today)
    await days.firm.opened.unit.pool.execute("update recertifications set due_on = $1", days.today + timedelta(days=1))
    assert (await days.recertify(days.firm.responsible.headers)).status_code == 200
    await days.tell(days.today + timedelta(days=1))
    assert await days.digests(days.firm.responsible.contact_id) == []
