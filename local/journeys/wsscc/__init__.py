"""The page of WSSCC Connect from top to bottom, in one language: an employer, its people, and an agent.

Both languages can be played beside each other on one stack: each has employers and people of its own.
"""

import httpx

from local.journeys.account import forgotten_password, sign_out_and_in
from local.journeys.auditing import verify_the_audit
from local.journeys.narrator import Narrator
from local.journeys.platform import Platform
from local.journeys.portal import PATIENCE, Language, Portal
from local.journeys.wsscc.account import create_account, open_account, read_the_help, simple_tasks
from local.journeys.wsscc.agency import find, inactive, letter_of, nobody_manages, receive_employers, replace
from local.journeys.wsscc.claiming import first_person, refuse_alike
from local.journeys.wsscc.leaving import last_administrator_goes
from local.journeys.wsscc.managing import (
    approve,
    assign_functions,
    block,
    deny,
    invite,
    see_the_code,
    several_administrators,
)
from local.journeys.wsscc.stage import Journey, cast


async def play(platform: Platform, narrator: Narrator, language: Language = "fr") -> dict[Language, set[str]]:
    """Play the page. Returns the texts that readers of the language were shown.

    Raises PromiseBroken at the first thing that does not hold.
    """
    people = cast(language)
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        portal = Portal(platform, narrator, http, language)
        journey = Journey(portal, narrator, people)
        first, worker = people.first, people.worker
        await read_the_help(journey, first)
        await receive_employers(journey)
        await create_account(journey, first)
        await simple_tasks(journey, first)
        await sign_out_and_in(journey, first, "Créer un compte | 5. Ouvrir une session")
        await refuse_alike(journey, first)
        await first_person(journey, first, await letter_of(journey, journey.employer_id))
        for who in (worker, people.stranger, people.early):
            await open_account(journey, who)
        await approve(journey, first, worker)
        await deny(journey, first, people.stranger)
        await assign_functions(journey, first, worker)
        await invite(journey, first, people.invited)
        await block(journey, first, worker)
        await see_the_code(journey, first, worker)
        await several_administrators(journey, first, people.invited)
        await nobody_manages(journey, people.early)
        await inactive(journey, people.early)
        await find(journey)
        await replace(journey, first, people.invited)
        await last_administrator_goes(journey, people.invited, people.stranger)
        await forgotten_password(journey, worker, "FAQ | Que dois-je faire si j’oublie mon mot de passe?")
        await verify_the_audit(journey)
        return portal.texts
