"""Whom an organization keeps out: at once, in every function, through whatever firm; and letting them in again."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from uuid_utils.compat import uuid7

from chassis.work import Actor
from contracts.linking import ProfileLinked, ProfileUnlinked
from services.authorizations.access.domain import AsAgent
from services.authorizations.bindings.handlers import follow_link, follow_unlink
from services.authorizations.blocks.handlers import BlockPerson, block
from services.authorizations.tests.conftest import TEST, Firm, Someone


async def post(firm: Firm, organization_id: UUID, headers: dict[str, str], **body: Any) -> httpx.Response:
    """Keep somebody out."""
    named = {name: str(value) for name, value in body.items()}
    return await firm.client.post(f"/v1/organizations/{organization_id}/blocks", json=named, headers=headers)


async def unblock(firm: Firm, organization_id: UUID, block_id: str, headers: dict[str, str]) -> httpx.Response:
    """Let somebody in again."""
    return await firm.client.delete(f"/v1/organizations/{organization_id}/blocks/{block_id}", headers=headers)


async def blocked(firm: Firm, organization_id: UUID, headers: dict[str, str], **body: Any) -> str:
    """The id of a block that was made."""
    made = await post(firm, organization_id, headers, **body)
    assert made.status_code == 201, made.text
    return str(made.json()["block_id"])


async def says(firm: Firm, someone: Someone, organization_id: UUID, **context: Any) -> bool:
    """What the check says of reading the profile."""
    return bool((await firm.check(someone.account_id, "profile", organization_id, "read", **context))["decision"])


async def manager_of(firm: Firm) -> tuple[UUID, Someone]:
    """A client of the firm, and the person who is responsible there."""
    contact_id = await firm.contact("3000003")
    organization_id = await firm.opened.unit.pool.fetchval(
        "select organization_id from contacts where contact_id = $1", contact_id
    )
    return organization_id, await firm.link(contact_id)


async def test_a_block_is_in_force_at_once_in_every_function_and_its_end_restores_what_is_still_in_force(
    firm: Firm,
) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    await firm.delegate(member.contact_id, client_id)
    assert await says(firm, member, firm.firm_id) and await says(firm, member, client_id)
    before = datetime.now(UTC)

    block_id = await blocked(firm, firm.firm_id, firm.responsible.headers, contact_id=member.contact_id)

    during = datetime.now(UTC)
    assert not await says(firm, member, firm.firm_id)
    assert not await says(firm, member, client_id)  # the delegation is a function of the firm too
    own = await firm.client.get("/v1/authorized-files", headers=member.headers)
    assert (own.status_code, own.json()["code"]) == (403, "profile_not_yours")
    ended = await firm.client.post(
        f"/v1/contacts/{member.contact_id}/removals",
        json={
            "scope": "subjects", "subjects": [{"relation_id": await membership(firm, member), "subject": "profile"}],
            "attestations": await firm.attestations("removal"),
        },
        headers=firm.responsible.headers,
    )  # fmt: skip
    assert ended.status_code == 200
    assert (await unblock(firm, firm.firm_id, block_id, firm.responsible.headers)).status_code == 204
    assert (await unblock(firm, firm.firm_id, block_id, firm.responsible.headers)).status_code == 204

    assert not await says(firm, member, firm.firm_id)  # withdrawn meanwhile
    assert await says(firm, member, client_id)
    names = [event["name"] for event in await firm.opened.published() if event["name"].startswith("Contact")]
    assert names.count("ContactBlocked") == names.count("ContactUnblocked") == 1
    for at, recorded_at, allowed in (
        (before, None, True), (during, None, False), (during, before, True), (before, during, True)
    ):  # fmt: skip
        known = {"recorded_at": recorded_at.isoformat()} if recorded_at else {}
        assert await says(firm, member, client_id, at=at.isoformat(), **known) is allowed, (at, recorded_at)


async def membership(firm: Firm, someone: Someone) -> str:
    """The relation of a member to the firm."""
    opened = await firm.client.get(f"/v1/contacts/{someone.contact_id}", headers=firm.responsible.headers)
    return str(next(r["relation_id"] for r in opened.json()["relations"] if r["through"] is None))


async def test_an_organization_keeps_out_a_member_of_its_firm_and_the_account_through_whatever_contact(
    firm: Firm,
) -> None:
    member, (client_id, client) = await firm.member(), await manager_of(firm)
    await firm.delegate(member.contact_id, client_id)
    other = await firm.link(UUID((await firm.add_member()).json()["contact_id"]))
    await firm.delegate(other.contact_id, client_id)

    await blocked(firm, client_id, client.headers, contact_id=member.contact_id)

    assert not await says(firm, member, client_id)
    assert await says(firm, other, client_id)
    assert await says(firm, member, firm.firm_id)  # the firm did not keep anybody out
    again = await post(firm, client_id, client.headers, account_id=member.account_id)
    assert (again.status_code, again.json()["code"]) == (409, "already_blocked")
    # The same account through another contact of the firm.
    linked = ProfileLinked(
        link_id=uuid7(), account_id=member.account_id, contact_id=(fresh := await unlinked(firm, client_id)),
        organization_id=firm.firm_id, method="linking_coordinates", linked_at=datetime.now(UTC),
    )  # fmt: skip
    await firm.opened.unit.run(follow_link, linked, TEST)
    assert not await says(firm, Someone(member.account_id, fresh, {}), client_id)


async def unlinked(firm: Firm, client_id: UUID) -> UUID:
    """A member of the firm without an account, who may act for a client."""
    contact_id = UUID((await firm.add_member()).json()["contact_id"])
    await firm.delegate(contact_id, client_id)
    return contact_id


async def test_explain_names_the_block_as_the_link_that_fails_and_says_what_to_do(firm: Firm) -> None:
    member = await firm.member()
    await blocked(firm, firm.firm_id, firm.responsible.headers, contact_id=member.contact_id)

    for subject in ("profile", "status_letter"):  # one that the person holds, and one that they do not
        answer = await firm.check(member.account_id, subject, firm.firm_id, "read", explain=True)
        context = answer["context"]
        assert (answer["decision"], context["reason"]["code"], context["next"]["code"]) == (
            False, "blocked", "next_unblock",
        )  # fmt: skip
        failing = [link["link"] for link in context["chain"] if not link["holds"]]
        assert failing[0] == "unblocked"
        assert all(context[part][language] for part in ("reason", "next") for language in ("fr", "en"))


async def test_who_is_kept_out_manages_nothing_and_other_services_are_told_so(firm: Firm) -> None:
    second = await firm.link(UUID((await firm.add_member(type="administrator")).json()["contact_id"]))
    assert (await firm.add_member(headers=second.headers)).status_code == 201

    block_id = await blocked(firm, firm.firm_id, firm.responsible.headers, contact_id=second.contact_id)

    refused = await firm.add_member(headers=second.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "profile_not_yours")
    state = [event for event in await firm.opened.published("Contact") if event["contact_id"] == str(second.contact_id)]
    assert (state[-1]["functions"], state[-1]["manages"]) == ([], [])
    listed = await firm.client.get(f"/v1/organizations/{firm.firm_id}/contacts", headers=firm.responsible.headers)
    active = {row["contact_id"]: row["active"] for row in listed.json()["items"]}
    assert active[str(second.contact_id)] is False
    assert active[str(firm.responsible.contact_id)] is True
    assert (await unblock(firm, firm.firm_id, block_id, firm.responsible.headers)).status_code == 204
    state = [event for event in await firm.opened.published("Contact") if event["contact_id"] == str(second.contact_id)]
    assert state[-1]["manages"] and state[-1]["functions"]


async def test_nobody_keeps_themselves_out_and_an_agent_even_the_last_person_who_manages(firm: Firm) -> None:
    oneself = await post(firm, firm.firm_id, firm.responsible.headers, contact_id=firm.responsible.contact_id)
    assert (oneself.status_code, oneself.json()["code"]) == (409, "blocks_oneself")
    by_account = await post(firm, firm.firm_id, firm.responsible.headers, account_id=firm.responsible.account_id)
    assert by_account.json()["code"] == "blocks_oneself"
    last = await post(firm, firm.firm_id, firm.agent, reason="misuse_suspected", contact_id=firm.responsible.contact_id)
    assert last.status_code == 201, last.text
    state = [s for s in await firm.opened.published("Contact") if s["contact_id"] == str(firm.responsible.contact_id)]
    assert state[-1]["manages"] == []


async def test_of_two_who_keep_each_other_out_one_stays(firm: Firm) -> None:
    second = await firm.link(UUID((await firm.add_member(type="administrator")).json()["contact_id"]))

    answers = await asyncio.gather(
        post(firm, firm.firm_id, firm.responsible.headers, contact_id=second.contact_id),
        post(firm, firm.firm_id, second.headers, contact_id=firm.responsible.contact_id),
    )

    assert sorted(answer.status_code for answer in answers) == [201, 403]
    standing = await firm.opened.unit.pool.fetchval("select count(*) from blocks where upper_inf(during)")
    assert standing == 1


async def test_who_is_kept_out_does_not_count_as_one_who_manages(firm: Firm) -> None:
    second = await firm.link(UUID((await firm.add_member(type="administrator")).json()["contact_id"]))
    await blocked(firm, firm.firm_id, firm.responsible.headers, contact_id=second.contact_id)

    leaving = await firm.remove(firm.responsible.contact_id)

    assert (leaving.status_code, leaving.json()["code"]) == (409, "last_manager")


@pytest.mark.parametrize("who", ["member", "elsewhere", "nobody"])
async def test_only_those_who_manage_and_agents_keep_out_and_only_whom_the_organization_knows(
    firm: Firm, who: str
) -> None:
    member, (client_id, client) = await firm.member(), await manager_of(firm)
    if who == "member":
        refused = await post(firm, firm.firm_id, member.headers, contact_id=firm.responsible.contact_id)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    elif who == "elsewhere":
        refused = await post(firm, firm.firm_id, client.headers, contact_id=member.contact_id)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    else:
        for named in ({"contact_id": member.contact_id}, {"account_id": member.account_id}, {"account_id": uuid4()}):
            refused = await post(firm, client_id, client.headers, **named)
            assert (refused.status_code, refused.json()["code"]) == (404, "not_found"), named
    assert await firm.opened.unit.pool.fetchval("select count(*) from blocks") == 0


async def test_an_agent_says_why_and_who_manages_may(firm: Firm) -> None:
    member = await firm.member()
    silent = await post(firm, firm.firm_id, firm.agent, contact_id=member.contact_id)
    assert (silent.status_code, silent.json()["code"]) == (422, "reason_missing")
    unknown = await post(firm, firm.firm_id, firm.agent, contact_id=member.contact_id, reason="because")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_reason")

    await blocked(firm, firm.firm_id, firm.agent, contact_id=member.contact_id, reason="misuse_suspected")

    listed = await firm.client.get(f"/v1/organizations/{firm.firm_id}/blocks", headers=firm.responsible.headers)
    [row] = listed.json()["items"]
    assert (row["contact_id"], row["reason"], row["until"]) == (str(member.contact_id), "misuse_suspected", None)
    assert row["name"] and row["reason_name"] and row["blocked_by"]["kind"] == "agent"
    assert row["blocked_by"]["id"] is None  # an agent's name shows to agents alone
    none = await firm.client.get(
        f"/v1/organizations/{firm.firm_id}/blocks?stands=false", headers=firm.responsible.headers
    )
    assert none.json()["items"] == []
    denied = await firm.client.get(f"/v1/organizations/{firm.firm_id}/blocks", headers=member.headers)
    assert denied.status_code == 403


async def test_what_the_agency_blocks_only_an_agent_lets_in_again_and_the_list_says_whose_block_it_is(
    firm: Firm,
) -> None:
    one, other = await firm.member(), await firm.member()
    headers = firm.responsible.headers
    theirs = await blocked(firm, firm.firm_id, firm.agent, contact_id=one.contact_id, reason="misuse_suspected")
    ours = await blocked(firm, firm.firm_id, headers, contact_id=other.contact_id)

    for language, word in (("fr", "L’organisme"), ("en", "The agency")):
        refused = await unblock(firm, firm.firm_id, theirs, headers | {"Accept-Language": language})
        assert (refused.status_code, refused.json()["code"]) == (403, "blocked_by_agency")
        assert refused.json()["detail"].startswith(word)
    assert not await says(firm, one, firm.firm_id)
    listed = (await firm.client.get(f"/v1/organizations/{firm.firm_id}/blocks", headers=headers)).json()["items"]
    assert {row["block_id"]: row["made_by"] for row in listed} == {theirs: "agency", ours: "organization"}

    for block_id, by in ((ours, headers), (theirs, firm.agent)):
        assert (await unblock(firm, firm.firm_id, block_id, by)).status_code == 204
    assert await says(firm, one, firm.firm_id)
    assert (await unblock(firm, firm.firm_id, theirs, headers)).status_code == 204  # ended already: nothing changes


@pytest.mark.parametrize("names", ["contact_id", "account_id"])
async def test_an_agents_block_takes_the_place_of_the_organizations_own_which_can_let_nobody_in_any_more(
    firm: Firm, names: str
) -> None:
    member, headers = await firm.member(), firm.responsible.headers
    ours = await blocked(firm, firm.firm_id, headers, contact_id=member.contact_id)

    named = {names: getattr(member, names)}
    theirs = await blocked(firm, firm.firm_id, firm.agent, reason="misuse_suspected", **named)

    listed = (await firm.client.get(f"/v1/organizations/{firm.firm_id}/blocks", headers=headers)).json()["items"]
    assert {row["block_id"]: (row["made_by"], row["until"] is None) for row in listed} == {
        ours: ("organization", False), theirs: ("agency", True)
    }  # fmt: skip
    assert {row["contact_id"] for row in listed} == {str(member.contact_id)}
    assert [event["block_id"] for event in await firm.opened.published("ContactUnblocked")] == [ours]
    assert (await unblock(firm, firm.firm_id, ours, headers)).status_code == 204  # ended already: nothing changes
    assert (await unblock(firm, firm.firm_id, theirs, headers)).json()["code"] == "blocked_by_agency"
    assert not await says(firm, member, firm.firm_id)
    told = [mail["managing_reason"] for mail in await firm.opened.published("AccessBlockedMail")]
    assert told == ["", "misuse_suspected"]
    assert await firm.opened.published("AccessUnblockedMail") == []
    for by in (firm.agent, headers):
        again = await post(firm, firm.firm_id, by, contact_id=member.contact_id, reason="misuse_suspected")
        assert (again.status_code, again.json()["code"]) == (409, "already_blocked")
    assert (await unblock(firm, firm.firm_id, theirs, firm.agent)).status_code == 204
    assert await says(firm, member, firm.firm_id)


async def test_the_person_is_told_of_a_block_and_of_its_end(firm: Firm) -> None:
    member = await firm.member()
    block_id = await blocked(
        firm, firm.firm_id, firm.responsible.headers, contact_id=member.contact_id, reason="left_us"
    )
    await unblock(firm, firm.firm_id, block_id, firm.responsible.headers)

    [begun], [ended] = await firm.opened.published("AccessBlockedMail"), await firm.opened.published(
        "AccessUnblockedMail"
    )  # fmt: skip
    assert begun["recipient_id"] == ended["recipient_id"] == str(member.contact_id)
    assert begun["managing_reason"] == "left_us"
    actions = await firm.opened.unit.pool.fetch("select action from audit where object_id = $1", UUID(block_id))
    assert sorted(row["action"] for row in actions) == ["contact_blocked", "contact_unblocked"]


@pytest.mark.parametrize("linked_first", [True, False])
async def test_a_contact_that_is_linked_at_the_moment_of_a_block_is_told_as_kept_out(
    firm: Firm, linked_first: bool
) -> None:
    contact_id = UUID((await firm.add_member()).json()["contact_id"])
    someone = await firm.link(contact_id)
    unlinked = ProfileUnlinked(
        link_id=await firm.opened.unit.pool.fetchval(
            "select link_id from bindings where contact_id = $1", contact_id
        ),
        account_id=someone.account_id, contact_id=contact_id, organization_id=firm.firm_id,
        linked_at=datetime.now(UTC), unlinked_at=datetime.now(UTC),
    )  # fmt: skip
    await firm.opened.unit.run(follow_unlink, unlinked, TEST)
    linked = ProfileLinked(
        link_id=uuid7(), account_id=someone.account_id, contact_id=contact_id, organization_id=firm.firm_id,
        method="linking_coordinates", linked_at=datetime.now(UTC),
    )  # fmt: skip
    agent = Actor("agent", "agent")
    asked = BlockPerson(AsAgent(), firm.firm_id, None, someone.account_id, "left_us")

    async def link() -> None:
        await firm.opened.unit.run(follow_link, linked, TEST)

    async def keep_out() -> None:
        done = await firm.opened.unit.run(block, asked, agent)
        assert isinstance(done.outcome, UUID), done.outcome

    acts = [link(), keep_out()] if linked_first else [keep_out(), link()]
    await asyncio.gather(*acts)

    state = [event for event in await firm.opened.published("Contact") if event["contact_id"] == str(contact_id)]
    assert state[-1]["functions"] == []
    assert not await says(firm, someone, firm.firm_id)


@pytest.mark.parametrize("blocking", ["firm", "client"])
async def test_lists_show_and_count_what_a_block_keeps_out_as_not_in_force(firm: Firm, blocking: str) -> None:
    member, (client_id, client) = await firm.member(), await manager_of(firm)
    await firm.delegate(member.contact_id, client_id)
    keeper = (firm.firm_id, firm.responsible) if blocking == "firm" else (client_id, client)
    await blocked(firm, keeper[0], keeper[1].headers, contact_id=member.contact_id)

    for organization_id, reader in ((firm.firm_id, firm.responsible), (client_id, client)):
        for active in ("true", "false"):
            path = f"/v1/organizations/{organization_id}/authorizations?active={active}&limit=200"
            listed = (await firm.client.get(path, headers=reader.headers)).json()
            delegated = [
                row
                for row in listed["items"]
                if row["contact"] and row["contact"]["contact_id"] == str(member.contact_id)
                and row["organization"]["organization_id"] == str(client_id)
            ]  # fmt: skip
            assert bool(delegated) is (active == "false"), (organization_id, active)
            assert listed["total"] == len(listed["items"]), (organization_id, active)
