"""The CCQ guide for the person responsible for an accounting firm, steps 1 to 5, for LAFORCE COMPTABLE INC."""

import httpx

from local.journeys.ccq.first_connection import (
    coordinates_of,
    create_account,
    forgotten_password,
    link,
    link_an_employers_file,
    read_the_lists,
    receive_coordinates,
    sign_out_and_in,
)
from local.journeys.ccq.members import add_member, delegate, member_joins, remove
from local.journeys.ccq.stage import Journey, new_member, responsible
from local.journeys.ccq.views import check, tell_the_trail
from local.journeys.narrator import Narrator
from local.journeys.portal import Portal
from local.stack import Stack


async def play(stack: Stack, narrator: Narrator) -> None:
    """Play steps 1 to 5. Raises PromiseBroken at the first thing that does not hold."""
    async with httpx.AsyncClient(timeout=20) as http:
        journey = Journey(Portal(stack, narrator, http), narrator)
        manager, member = responsible(), new_member()
        await receive_coordinates(journey)
        await create_account(journey, manager)
        await sign_out_and_in(journey, manager)
        await forgotten_password(journey, manager)
        await link(journey, manager, await coordinates_of(journey, manager))
        await link_an_employers_file(journey, manager)
        await read_the_lists(journey, manager)
        contact = await add_member(journey, manager, member)
        await member_joins(journey, manager, member, contact)
        relation = await delegate(journey, manager, member)
        await check(journey, member)
        await remove(journey, manager, member, relation)
        await tell_the_trail(journey, manager, member)
