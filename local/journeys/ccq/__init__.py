"""The CCQ guide for the person responsible for an accounting firm, from its first page to its last.

It is played for LAFORCE COMPTABLE INC. in French, for one of its clients and a new member in English, for an
individual who is its client too in French, and for an agent in French; or with the languages changed over.
"""

import httpx

from local.journeys.account import forgotten_password, sign_out_and_in
from local.journeys.auditing import verify_the_audit
from local.journeys.ccq.auditing import read_the_audit
from local.journeys.ccq.contested import contested_link, mistaken, right
from local.journeys.ccq.employer import ask_about_nobody, ask_for_the_end, employer_joins, own_contact, propose
from local.journeys.ccq.first_connection import (
    coordinates_of,
    create_account,
    link,
    link_an_employers_file,
    receive_coordinates,
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
from local.journeys.ccq.migration import settle_what_was_not_migrated
from local.journeys.ccq.stage import Journey, employer, individual, new_member, responsible
from local.journeys.ccq.views import check, tell_the_trail
from local.journeys.narrator import Narrator
from local.journeys.platform import Platform
from local.journeys.portal import PATIENCE, Language, Portal


async def play(platform: Platform, narrator: Narrator, language: Language = "fr") -> dict[Language, set[str]]:
    """Play the guide, the firm and the agent in `language`, the client and the new member in the other one.

    Returns the texts that were shown to readers of each. Raises PromiseBroken at the first thing that does not hold.
    """
    other: Language = "en" if language == "fr" else "fr"
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        portal = Portal(platform, narrator, http, language)
        journey = Journey(portal, narrator)
        manager, client, member, worker = (
            responsible(language),
            employer(other),
            new_member(other),
            individual(language),
        )
        await receive_coordinates(journey)
        await create_account(journey, manager)
        await sign_out_and_in(journey, manager, "Étape 1 | Se connecter")
        await forgotten_password(journey, manager, "Étape 1 | Mot de passe oublié?")
        await link(journey, manager, await coordinates_of(journey, manager))
        await link_an_employers_file(journey, manager)
        await read_the_lists(journey, manager)
        await settle_what_was_not_migrated(journey, manager)
        await employer_joins(journey, client)
        await ask_for_the_end(journey, manager, client)
        await propose(journey, manager, client)
        await ask_about_nobody(journey, manager)
        contact = await add_member(journey, manager, member)
        await correct_member(journey, manager, member, contact)
        await member_joins(journey, manager, member, contact)
        relation = await delegate(journey, manager, member)
        await check(journey, member)
        await delegate_for_an_individual(journey, manager, worker, member)
        await own_contact(journey, client, member)
        await remove(journey, manager, client, member, relation)
        await coordinates_for_the_others(journey, manager)
        await contested_link(journey, mistaken(language), right(language))
        await read_the_audit(journey, manager, client)
        await verify_the_audit(journey)
        await tell_the_trail(journey, manager, member)
        return portal.texts
