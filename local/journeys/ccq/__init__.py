"""The CCQ guide for the person responsible for an accounting firm, from its first page to its last.

It is played for LAFORCE COMPTABLE INC. in French, for one of its clients and a new member in English, for an
individual who is its client too in French, and for an agent.
"""

import httpx

from local.journeys.ccq.auditing import read_the_audit, verify_the_audit
from local.journeys.ccq.contested import contested_link
from local.journeys.ccq.employer import ask_about_nobody, ask_for_the_end, employer_joins, own_contact, propose
from local.journeys.ccq.first_connection import (
    coordinates_of,
    create_account,
    forgotten_password,
    link,
    link_an_employers_file,
    receive_coordinates,
    sign_out_and_in,
)
from local.journeys.ccq.individual import delegate_for_an_individual
from local.journeys.ccq.lists import read_the_lists
from local.journeys.ccq.members import (
    add_member,
    coordinates_for_the_others,
    correct_member,
    delegate,
    member_joins,
    remove,
)
from local.journeys.ccq.stage import Journey, employer, individual, new_member, responsible
from local.journeys.ccq.views import check, tell_the_trail
from local.journeys.narrator import Narrator
from local.journeys.portal import Portal
from local.stack import Stack


async def play(stack: Stack, narrator: Narrator) -> None:
    """Play the guide. Raises PromiseBroken at the first thing that does not hold."""
    async with httpx.AsyncClient(timeout=20) as http:
        journey = Journey(Portal(stack, narrator, http), narrator)
        manager, client, member = responsible(), employer(), new_member()
        await receive_coordinates(journey)
        await create_account(journey, manager)
        await sign_out_and_in(journey, manager)
        await forgotten_password(journey, manager)
        await link(journey, manager, await coordinates_of(journey, manager))
        await link_an_employers_file(journey, manager)
        await read_the_lists(journey, manager)
        await employer_joins(journey, client)
        await ask_for_the_end(journey, manager, client)
        await propose(journey, manager, client)
        await ask_about_nobody(journey, manager)
        contact = await add_member(journey, manager, member)
        await correct_member(journey, manager, member, contact)
        await member_joins(journey, manager, member, contact)
        relation = await delegate(journey, manager, member)
        await check(journey, member)
        await delegate_for_an_individual(journey, manager, individual(), member)
        await own_contact(journey, client, member)
        await remove(journey, manager, client, member, relation)
        await coordinates_for_the_others(journey, manager)
        await contested_link(journey)
        await read_the_audit(journey, manager, client)
        await verify_the_audit(journey)
        await tell_the_trail(journey, manager, member)
