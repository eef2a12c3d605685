"""“Je veux déléguer l’accès à un service en ligne”, in one language: two professionals, two delegates, and an agent.

Both languages can be played beside each other on one stack: each has practices and people of its own.
"""

import httpx

from local.journeys.auditing import verify_the_audit
from local.journeys.narrator import Narrator
from local.journeys.platform import Platform
from local.journeys.portal import PATIENCE, Language, Portal, now
from local.journeys.ramq.account import link_by_former_credential, link_by_number
from local.journeys.ramq.judging import another_address
from local.journeys.ramq.mandating import countersign, fill_in, mandate_again, refuse_profession, sign_list
from local.journeys.ramq.misusing import deactivate, let_in_again
from local.journeys.ramq.paper import enter_paper
from local.journeys.ramq.processing import (
    acts_by_the_mandate,
    each_gets_their_own,
    first_sign_in,
    no_second_password,
    process,
    read_the_document,
    refuse_a_second_one,
    return_and_refuse,
    revoke,
    two_mails,
    withdraw,
)
from local.journeys.ramq.questions import answer_the_questions
from local.journeys.ramq.stage import Journey, cast


async def play(platform: Platform, narrator: Narrator, language: Language = "fr") -> dict[Language, set[str]]:
    """Play the page. Returns the texts that readers of the language were shown.

    Raises PromiseBroken at the first thing that does not hold.
    """
    people = cast(language)
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        portal = Portal(platform, narrator, http, language)
        journey = Journey(portal, narrator, people)
        await answer_the_questions(journey, people.professional)
        await link_by_number(journey, people.professional, people.practice)
        if language == "fr":
            await link_by_former_credential(journey, people.other_professional, people.other_practice)
        else:
            await link_by_number(journey, people.other_professional, people.other_practice)
        professional, delegate = people.professional, people.delegate
        asked = await fill_in(journey, professional, delegate, people.colleague)
        mandate_id, colleagues_id = (mandate_id for mandate_id, _ in asked.signed_by)
        token, colleagues_token = await sign_list(journey, professional, asked)
        await countersign(journey, delegate, mandate_id, token)
        token = await another_address(journey, professional, delegate, mandate_id)
        await read_the_document(journey, professional, delegate, mandate_id, token)
        since = now()
        await process(journey, professional, mandate_id)
        user_name, temporary = await two_mails(journey, professional, delegate, since)
        await first_sign_in(journey, delegate, user_name, temporary)
        await acts_by_the_mandate(journey, delegate, journey.practice_id, mandate_id)
        await each_gets_their_own(journey, professional, people.colleague, colleagues_id, colleagues_token, user_name)
        await refuse_a_second_one(journey, professional, delegate, mandate_id)
        await return_and_refuse(journey, professional, delegate)
        await withdraw(journey, professional, people.colleague)
        other = people.other_professional
        await refuse_profession(journey, other, delegate)
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


async def play_in_both_languages(platform: Platform, narrator: Narrator) -> None:
    """Play the page in French, then in English at other practices, as `./mandat demo` does.

    Raises PromiseBroken at the first thing that does not hold.
    """
    await play(platform, narrator, "fr")
    await play(platform, narrator, "en")
