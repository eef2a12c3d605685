"""“Je veux déléguer l’accès à un service en ligne”, in one language: two professionals, a delegate, and an agent.

Both languages can be played beside each other on one stack: each has practices and people of its own.
"""

import httpx

from local.journeys.auditing import verify_the_audit
from local.journeys.narrator import Narrator
from local.journeys.portal import Language, Portal, now
from local.journeys.ramq.account import link_by_former_credential, link_by_number
from local.journeys.ramq.mandating import countersign, fill_in, mandate_again, sign
from local.journeys.ramq.misusing import deactivate, let_in_again
from local.journeys.ramq.paper import enter_paper
from local.journeys.ramq.processing import (
    acts_by_the_mandate,
    first_sign_in,
    no_second_password,
    process,
    read_the_document,
    return_and_refuse,
    revoke,
    two_mails,
)
from local.journeys.ramq.questions import answer_the_questions
from local.journeys.ramq.stage import Journey, cast
from local.stack import Stack


async def play(stack: Stack, narrator: Narrator, language: Language = "fr") -> dict[Language, set[str]]:
    """Play the page. Returns the texts that readers of the language were shown.

    Raises PromiseBroken at the first thing that does not hold.
    """
    people = cast(language)
    async with httpx.AsyncClient(timeout=60) as http:
        portal = Portal(stack, narrator, http, language)
        journey = Journey(portal, narrator, people)
        await answer_the_questions(journey, people.professional)
        await link_by_number(journey, people.professional, people.practice)
        if language == "fr":
            await link_by_former_credential(journey, people.other_professional, people.other_practice)
        else:
            await link_by_number(journey, people.other_professional, people.other_practice)
        professional, delegate = people.professional, people.delegate
        mandate_id = await fill_in(journey, professional, delegate)
        token = await sign(journey, professional, mandate_id, delegate)
        await countersign(journey, delegate, mandate_id, token, professional)
        since = now()
        await process(journey, professional, mandate_id)
        user_name, temporary = await two_mails(journey, professional, delegate, since)
        await first_sign_in(journey, delegate, user_name, temporary)
        await acts_by_the_mandate(journey, delegate, journey.practice_id, mandate_id)
        await read_the_document(journey, professional, mandate_id)
        await return_and_refuse(journey, professional, delegate)
        other = people.other_professional
        second_id = await mandate_again(journey, other, delegate)
        since = now()
        await process(journey, other, second_id)
        await no_second_password(journey, delegate, journey.other_practice_id, since)
        await enter_paper(journey, other, delegate, journey.other_practice_id)
        await deactivate(journey, professional, delegate, mandate_id)
        await let_in_again(journey, professional, delegate, user_name)
        await revoke(journey, professional, delegate, journey.practice_id, mandate_id)
        await verify_the_audit(journey)
        return portal.texts
