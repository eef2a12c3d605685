"""A link that was refused although the secret was right: an agent is asked once, and either link may stand."""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from uuid_utils.compat import uuid7

from contracts.accounts import Person
from contracts.linking import LinkRefused, ProfileLinked, ProfileUnlinked
from services.authorizations.accounts.handlers import follow_account
from services.authorizations.bindings.handlers import follow_link, follow_unlink
from services.authorizations.contested.handlers import follow_refusal
from services.authorizations.deciding.chores import close_needless, follow_changes, lapse_overdue
from services.authorizations.tests.conftest import TEST, Firm, Someone
from tests.fixtures.orders import interleavings

SINCE = datetime(2026, 1, 2, tzinfo=UTC)


@dataclass
class Contest:
    """A member of the firm whose file an account has, and another account that had the right secret of it."""

    firm: Firm
    holder: Someone
    comer_id: UUID

    def refused(self, reason: str = "already_linked", contact_id: UUID | None = None) -> LinkRefused:
        return LinkRefused(
            contact_id=contact_id or self.holder.contact_id, organization_id=self.firm.firm_id,
            account_id=self.comer_id, method="linking_coordinates", reason=reason,
        )  # fmt: skip

    async def tell(self, refused: LinkRefused) -> None:
        await self.firm.opened.unit.run(follow_refusal, refused, TEST)

    async def queue(self) -> list[dict[str, Any]]:
        answer = await self.firm.client.get("/v1/requests", headers=self.firm.agent | {"Accept-Language": "en"})
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def decide(self, outcome: str, **changes: Any) -> httpx.Response:
        """An agent decides the only review there is."""
        (review,) = await self.queue()
        path = f"/v1/requests/{review['request_id']}"
        opened = await self.firm.client.get(path, headers=self.firm.agent)
        headers = self.firm.agent | {"If-Match": opened.headers["etag"]}
        return await self.firm.client.post(f"{path}/decision", json={"outcome": outcome} | changes, headers=headers)

    async def state(self, contact_id: UUID) -> dict[str, Any]:
        """The newest state of a contact that other services read."""
        states = await self.firm.opened.published("Contact")
        return [state for state in states if state["contact_id"] == str(contact_id)][-1]

    async def approve(self) -> httpx.Response:
        """An agent ends the link that the only review there is shows in the way."""
        (review,) = await self.queue()
        return await self.decide("approve", link_id=review["asked"]["contested"]["link"]["link_id"])

    async def unlink(self, link: dict[str, Any]) -> None:
        """The holder's link ends without anybody's decision."""
        unlinked = ProfileUnlinked(
            contact_id=self.holder.contact_id, organization_id=self.firm.firm_id, link_id=UUID(link["link_id"]),
            account_id=self.holder.account_id, linked_at=datetime.fromisoformat(link["linked_at"]),
            unlinked_at=datetime.now(UTC),
        )  # fmt: skip
        await self.firm.opened.unit.run(follow_unlink, unlinked, TEST)

    async def left_alone(self) -> list[dict[str, Any]]:
        """The mails about reviews that nobody decided."""
        return await self.firm.opened.published("LinkNotReviewedMail")

    async def told(self) -> dict[UUID, dict[str, Any]]:
        """The mails about the decision, by the account that gets one."""
        mails = await self.firm.opened.published("LinkReviewedMail")
        return {UUID(mail["recipient_id"]): mail for mail in mails}


async def account(firm: Firm, language: str = "en", account_id: UUID | None = None) -> UUID:
    account_id = account_id or uuid7()
    person = Person(
        account_id=account_id, version=1, status="active", status_since=SINCE, epoch=0,
        email=f"{account_id.hex}@example.org", given_name="Démo", family_name="Arrivante", language=language,
    )  # fmt: skip
    await firm.opened.unit.run(follow_account, person, TEST)
    return account_id


@pytest.fixture
async def contest(firm: Firm) -> Contest:
    return Contest(firm, await firm.member(), await account(firm))


async def test_the_right_secret_of_a_linked_contact_goes_to_agents_who_see_both_accounts(contest: Contest) -> None:
    await contest.tell(contest.refused())
    (review,) = await contest.queue()
    assert (review["kind"], review["reason"], review["decider"]) == ("review", "contested", "agents")
    contested = review["asked"]["contested"]
    assert contested["obstacle_name"] == "Another account is already linked to this contact."
    assert contested["contact_id"] == str(contest.holder.contact_id)
    assert contested["account"]["email"] == f"{contest.comer_id.hex}@example.org"
    assert contested["link"]["account"]["account_id"] == str(contest.holder.account_id)
    submitted = (await contest.firm.opened.published("RequestSubmitted"))[-1]
    assert (submitted["reason"], submitted["request_id"]) == ("contested", review["request_id"])
    assert "example.org" not in str(submitted) and "Arrivante" not in str(submitted)


async def test_where_the_link_that_ends_was_the_last_managers_agents_are_asked_for_another(firm: Firm) -> None:
    contest = Contest(firm, firm.responsible, await account(firm))
    await contest.tell(contest.refused())
    assert (await contest.approve()).status_code == 200
    await follow_changes(firm.opened.unit)
    assert [review["reason"] for review in await contest.queue()] == ["unmanaged"]


async def test_what_was_only_guessed_asks_nobody(contest: Contest) -> None:
    for reason in ("wrong_code", "expired_code"):
        await contest.tell(contest.refused(reason))
    assert await contest.queue() == []


async def test_fifty_attempts_at_once_ask_an_agent_once(contest: Contest) -> None:
    await asyncio.gather(*[contest.tell(contest.refused()) for _ in range(50)])
    assert len(await contest.queue()) == 1


async def test_after_a_decision_the_same_account_asks_nobody_again_for_a_month(contest: Contest) -> None:
    await contest.tell(contest.refused())
    assert (await contest.decide("reject", reason="link_stays")).status_code == 200
    await contest.tell(contest.refused())
    assert await contest.queue() == []
    await contest.firm.opened.unit.pool.execute("update requests set settled_at = settled_at - interval '31 days'")
    await contest.tell(contest.refused())
    assert len(await contest.queue()) == 1


async def test_account_after_account_with_one_spent_code_fills_no_queue(contest: Contest) -> None:
    for _ in range(8):
        contest = replace(contest, comer_id=await account(contest.firm))
        await contest.tell(contest.refused())
    assert len(await contest.queue()) == 5


async def test_an_account_that_is_the_contact_by_now_asks_nobody(contest: Contest) -> None:
    own = replace(contest, comer_id=contest.holder.account_id)
    await own.tell(own.refused())
    assert await contest.queue() == []


@pytest.mark.parametrize("decision", [{"outcome": "approve"}, {"outcome": "reject", "reason": "link_stays"}])
async def test_nothing_is_decided_before_both_accounts_are_known_here_so_that_both_are_told(
    contest: Contest, decision: dict[str, Any]
) -> None:
    early = replace(contest, comer_id=uuid7())
    await early.tell(early.refused())
    link = (await early.queue())[0]["asked"]["contested"]["link"]
    decision = decision | ({"link_id": link["link_id"]} if decision["outcome"] == "approve" else {})
    refused = await early.decide(**decision)
    assert (refused.status_code, refused.json()["code"]) == (409, "account_not_yet_known")
    assert refused.headers["retry-after"] == "1" and await early.told() == {}

    await account(early.firm, account_id=early.comer_id)
    assert (await early.decide(**decision)).status_code == 200
    assert (await early.told()).keys() == {early.holder.account_id, early.comer_id}


async def test_kept_the_link_stays_and_both_are_told_why(contest: Contest) -> None:
    await contest.tell(contest.refused())
    before = await contest.state(contest.holder.contact_id)
    missing = await contest.decide("reject")
    assert missing.json()["code"] == "decision_reason_missing"
    assert (await contest.decide("reject", reason="link_stays")).status_code == 200

    assert await contest.state(contest.holder.contact_id) == before
    check = await contest.firm.check(contest.holder.account_id, "profile", contest.firm.firm_id, "read")
    assert check["decision"]
    told = await contest.told()
    assert told.keys() == {contest.holder.account_id, contest.comer_id}
    assert {(mail["ended_at"], mail["decision_reason"]) for mail in told.values()} == {(None, "link_stays")}
    assert (told[contest.comer_id]["language"], told[contest.holder.account_id]["language"]) == ("en", "fr")


async def test_ended_the_account_may_nothing_from_then_on_and_the_file_gets_new_coordinates(contest: Contest) -> None:
    contact_id = contest.holder.contact_id
    await contest.tell(contest.refused())
    before = await contest.state(contact_id)
    link_id = (await contest.queue())[0]["asked"]["contested"]["link"]["link_id"]
    assert (await contest.approve()).status_code == 200

    check = await contest.firm.check(contest.holder.account_id, "profile", contest.firm.firm_id, "read")
    assert not check["decision"]
    after = await contest.state(contact_id)
    assert after["ended_link_id"] == link_id
    assert after["linking_code_generation"] == before["linking_code_generation"] + 1
    # The mail with the new code goes to the address on file, and not to either account's.
    assert before["email"] == f"{contest.holder.account_id.hex}@example.org"
    assert after["email"] not in (before["email"], f"{contest.comer_id.hex}@example.org")
    told = await contest.told()
    assert told.keys() == {contest.holder.account_id, contest.comer_id}
    assert all(mail["ended_at"] for mail in told.values())
    audit = await contest.firm.opened.unit.pool.fetch("select actor_kind from audit where action = 'link_ended'")
    assert [row["actor_kind"] for row in audit] == ["agent"]


async def test_of_two_files_of_one_person_the_earlier_link_ends_and_the_other_file_gets_the_code(firm: Firm) -> None:
    earlier = await firm.member()
    other = UUID((await firm.add_member()).json()["contact_id"])
    contest = Contest(firm, earlier, earlier.account_id)
    generation = (await contest.state(other))["linking_code_generation"]
    await contest.tell(contest.refused("other_profile_here", other))
    (review,) = await contest.queue()
    assert review["asked"]["contested"]["link"]["contact_id"] == str(earlier.contact_id)
    assert (await contest.approve()).status_code == 200

    assert (await contest.state(earlier.contact_id))["ended_link_id"] == review["asked"]["contested"]["link"]["link_id"]
    assert (await contest.state(other))["linking_code_generation"] == generation + 1
    assert (await contest.told()).keys() == {earlier.account_id}


async def test_an_approval_ends_the_link_that_the_agent_saw_and_no_other(contest: Contest) -> None:
    await contest.tell(contest.refused())
    unnamed = await contest.decide("approve")
    assert (unnamed.status_code, unnamed.json()["code"]) == (422, "link_required")
    other = await contest.decide("approve", link_id=str(uuid7()))
    assert (other.status_code, other.json()["code"]) == (409, "no_link_in_the_way")
    link = (await contest.queue())[0]["asked"]["contested"]["link"]
    await contest.unlink(link)
    gone = await contest.decide("approve", link_id=link["link_id"])
    assert (gone.status_code, gone.json()["code"]) == (409, "no_link_in_the_way")


async def test_a_review_whose_obstacle_is_gone_leaves_the_queue_and_who_tried_is_told(contest: Contest) -> None:
    await contest.tell(contest.refused())
    await close_needless(contest.firm.opened.unit)
    (review,) = await contest.queue()
    await contest.unlink(review["asked"]["contested"]["link"])
    await close_needless(contest.firm.opened.unit)

    assert await contest.queue() == []
    (mail,) = await contest.left_alone()
    assert (mail["recipient_id"], mail["lapsed_on"], mail["language"]) == (str(contest.comer_id), None, "en")
    assert await contest.told() == {}
    withdrawn = (await contest.firm.opened.published("RequestWithdrawn"))[-1]
    assert withdrawn["request_id"] == review["request_id"]


async def test_a_review_of_an_account_that_is_the_contact_by_now_leaves_the_queue_without_a_word(
    contest: Contest,
) -> None:
    await contest.tell(contest.refused())
    await contest.unlink((await contest.queue())[0]["asked"]["contested"]["link"])
    linked = ProfileLinked(
        link_id=uuid7(), account_id=contest.comer_id, contact_id=contest.holder.contact_id,
        organization_id=contest.firm.firm_id, method="linking_coordinates", linked_at=datetime.now(UTC),
    )  # fmt: skip
    await contest.firm.opened.unit.run(follow_link, linked, TEST)
    await close_needless(contest.firm.opened.unit)
    assert await contest.queue() == []
    assert await contest.left_alone() == []


async def test_a_review_whose_obstacle_has_yet_to_arrive_stays(contest: Contest) -> None:
    made = UUID((await contest.firm.add_member()).json()["contact_id"])
    await contest.tell(contest.refused(contact_id=made))
    await close_needless(contest.firm.opened.unit)
    assert len(await contest.queue()) == 1


async def test_who_tried_is_told_that_nobody_decided_in_time(contest: Contest) -> None:
    await contest.tell(contest.refused())
    await contest.firm.opened.unit.pool.execute("update requests set lapses_on = lapses_on - 400")
    await lapse_overdue(contest.firm.opened.unit)
    (mail,) = await contest.left_alone()
    assert mail["recipient_id"] == str(contest.comer_id)
    assert mail["lapsed_on"] is not None
    assert await contest.told() == {}


async def test_whoever_manages_the_organization_sees_no_account_of_it(contest: Contest) -> None:
    await contest.tell(contest.refused())
    (review,) = await contest.queue()
    headers = contest.firm.responsible.headers
    opened = await contest.firm.client.get(f"/v1/requests/{review['request_id']}", headers=headers)
    assert opened.status_code == 404
    listed = await contest.firm.client.get(f"/v1/organizations/{contest.firm.firm_id}/requests", headers=headers)
    assert listed.json()["total"] == 0


async def test_the_registers_own_end_takes_the_place_of_the_decisions_whichever_clock_was_ahead(
    contest: Contest,
) -> None:
    """Else a new link, by the register's clock, could begin before the old one ended by ours, and be refused."""
    await contest.tell(contest.refused())
    link = (await contest.queue())[0]["asked"]["contested"]["link"]
    assert (await contest.approve()).status_code == 200
    at = datetime.now(UTC) - timedelta(minutes=5)
    run, contact_id, firm_id = contest.firm.opened.unit.run, contest.holder.contact_id, contest.firm.firm_id
    unlinked = ProfileUnlinked(
        contact_id=contact_id, organization_id=firm_id, link_id=UUID(link["link_id"]),
        account_id=contest.holder.account_id, linked_at=datetime.fromisoformat(link["linked_at"]), unlinked_at=at,
    )  # fmt: skip
    linked = ProfileLinked(
        link_id=uuid7(), account_id=contest.comer_id, contact_id=contact_id, organization_id=firm_id,
        method="linking_coordinates", linked_at=at + timedelta(minutes=1),
    )  # fmt: skip
    for _ in range(2):
        await run(follow_unlink, unlinked, TEST)
    await run(follow_link, linked, TEST)
    assert (await contest.firm.check(contest.comer_id, "profile", firm_id, "read"))["decision"]
    assert not (await contest.firm.check(contest.holder.account_id, "profile", firm_id, "read"))["decision"]


async def test_a_refusal_the_link_in_its_way_and_both_accounts_may_be_told_in_any_order(firm: Firm) -> None:
    """accounts.people and linking.events are unordered; so are two contacts of one account on the latter."""
    shown = []
    for order in interleavings((0,), (1,), (2,)):
        made = [UUID((await firm.add_member()).json()["contact_id"]) for _ in range(2)]
        account_id = uuid7()
        person = Person(
            account_id=account_id, version=1, status="active", status_since=SINCE, epoch=0,
            email="verified@example.org", given_name="Démo", family_name="Personne", language="fr",
        )  # fmt: skip
        linked = ProfileLinked(
            link_id=uuid7(), account_id=account_id, contact_id=made[0], organization_id=firm.firm_id,
            method="linking_coordinates", linked_at=SINCE,
        )  # fmt: skip
        contest = Contest(firm, Someone(account_id, made[0], {}), account_id)
        for number in order:
            match number:
                case 0:
                    await firm.opened.unit.run(follow_account, person, TEST)
                case 1:
                    await firm.opened.unit.run(follow_link, linked, TEST)
                case 2:
                    await contest.tell(contest.refused("other_profile_here", made[1]))
        review = (await contest.queue())[-1]
        contested = review["asked"]["contested"]
        assert (contested["contact_id"], contested["link"]["contact_id"]) == (str(made[1]), str(made[0]))
        shown.append((contested["account"]["email"], contested["link"]["account"]["email"], contested["obstacle"]))
    assert set(shown) == {("verified@example.org", "verified@example.org", "other_profile_here")}
    assert len(shown) == 6
