"""“Instructions pour les administrateurs de l'accès”: the menu MON EMPLOYEUR, entry by entry."""

from datetime import timedelta

from local.journeys.asking import decide, may_write
from local.journeys.playing import form, since_then, ticked
from local.journeys.portal import Someone, now
from local.journeys.wsscc.account import LINK, link_in, open_account
from local.journeys.wsscc.agency import letter_of
from local.journeys.wsscc.claiming import claim, settled, waiting
from local.journeys.wsscc.stage import LETTER, PAYMENTS, STATEMENT, Journey, profile_at


async def approve(journey: Journey, administrator: Someone, worker: Someone) -> None:
    """1: a worker asks for access, and gets it with functions."""
    told, portal = journey.told, journey.portal
    told.step(
        "MON EMPLOYEUR | 1. Autoriser une demande d’accès",
        "A worker adds the employer by name and number alone; the administrator says yes, and to what.",
    )
    since = now()
    made = await claim(journey, worker, journey.cast.employer, "worker")
    asked = await waiting(journey, worker, made["claim_id"])
    told.shows(asked["message"])
    told.holds(
        (asked["state"], asked["decider"]) == ("waiting", "organization"), "the claim waits for those who manage"
    )
    await portal.mail(administrator.email, since, "the news of the request")
    requests = await portal.call(administrator, "authorizations", "GET", journey.managing("requests"), expect=200)
    request = next(one for one in requests["items"] if one["request_id"] == asked["request_id"])
    told.shows(f"{request['asked']['person']['given_name']} {request['asked']['person']['family_name']}: "
               f"{request['asked']['capacity_name']}")  # fmt: skip
    machine = await portal.machine()
    told.holds(
        not await may_write(journey.portal, machine, worker, LETTER, journey.employer_id), "until then nothing changes"
    )
    access = {"type": "worker", "subjects": [{"subject": LETTER, "level": "write"}]}
    since = now()
    await decide(journey.portal, administrator, asked["request_id"], {"outcome": "approve", "access": access})
    told.holds(
        await may_write(journey.portal, machine, worker, LETTER, journey.employer_id), "the very next check says yes"
    )
    told.holds(
        not await may_write(journey.portal, machine, worker, PAYMENTS, journey.employer_id),
        "and no to what was not given",
    )
    decided = await settled(journey, worker, made["claim_id"])
    told.arrived("authorizations → linking: the claim is decided", since_then(since))
    told.shows(decided["message"])
    await portal.mail(worker.email, since, "the news that access was authorized")
    await profile_at(journey, worker, journey.employer_id)


async def deny(journey: Journey, administrator: Someone, stranger: Someone) -> None:
    """1: somebody whom the employer does not know is refused, with a reason."""
    told, portal = journey.told, journey.portal
    told.step("MON EMPLOYEUR | 1. Refuser une demande d’accès", "A stranger says to be a representative.")
    made = await claim(journey, stranger, journey.cast.employer, "representative")
    asked = await waiting(journey, stranger, made["claim_id"])
    since = now()
    await decide(journey.portal, administrator, asked["request_id"], {"outcome": "reject", "reason": "not_with_us"})
    decided = await settled(journey, stranger, made["claim_id"])
    told.shows(decided["message"], decided["decision_reason_name"])
    await portal.mail(stranger.email, since, "the news that access was refused")
    told.holds(decided["outcome"] == "refused", "refused, with the reason in the person's language")


async def assign_functions(journey: Journey, administrator: Someone, worker: Someone) -> None:
    """2: another function, with an end of its own."""
    told, portal = journey.told, journey.portal
    told.step("MON EMPLOYEUR | 2. Attribuer des fonctions", "The worker may read statements too, for a month.")
    opened = await portal.call(administrator, "authorizations", "GET", f"/v1/contacts/{worker.profile}", expect=200)
    relation_id = next(row["relation_id"] for row in opened["relations"] if row["active"])
    machine = await portal.machine()
    body = {
        "subjects": [{"subject": STATEMENT, "level": "write"}],
        "ends_on": (now() + timedelta(days=30)).date().isoformat(),
        "attestations": ticked(await form(journey, administrator, "addition")),
    }
    since = now()
    path = f"/v1/relations/{relation_id}/rights"
    await portal.call(administrator, "authorizations", "POST", path, json=body, expect=201)
    told.holds(
        await may_write(journey.portal, machine, worker, STATEMENT, journey.employer_id),
        f"in force at once, to {body['ends_on']}",
    )
    await portal.mail(worker.email, since, "the news of the function")


async def invite(journey: Journey, administrator: Someone, invited: Someone) -> None:
    """3: whoever has the address accepts, and nobody has to approve."""
    told, portal = journey.told, journey.portal
    told.step("MON EMPLOYEUR | 3. Inviter un utilisateur", "By e-mail; whoever has that address, verified, accepts.")
    body = {
        "email": invited.email, "name": f"{invited.given_name} {invited.family_name}", "language": invited.language,
        "type": "representative", "subjects": [{"subject": LETTER, "level": "write"}],
    }  # fmt: skip
    since = now()
    path = journey.managing("invitations")
    made = await portal.call(administrator, "authorizations", "POST", path, json=body, expect=201)
    _, token = link_in(await portal.mail(invited.email, since, "the invitation", LINK))
    await open_account(journey, invited)

    async def accepted() -> bool:
        accepting = f"{portal.platform.gateway('authorizations')}/v1/invitations/acceptance"
        answer = await portal.http.post(accepting, json={"token": token}, headers=invited.headers)
        return answer.status_code == 200

    await portal.until(accepted, "the account in authorizations")
    profile = await profile_at(journey, invited, journey.employer_id)
    told.shows(", ".join(one["name"] for one in profile["functions"]))
    machine = await portal.machine()
    told.holds(
        await may_write(journey.portal, machine, invited, LETTER, journey.employer_id),
        f"accepted, and in force without an approval; it would have lapsed on {made['lapses_on']}",
    )


async def block(journey: Journey, administrator: Someone, worker: Someone) -> None:
    """4: at once, in everything; and let in again."""
    told, portal = journey.told, journey.portal
    told.step("MON EMPLOYEUR | 4. Empêcher un utilisateur d’accéder", "Blocked and, after a talk, unblocked.")
    machine, path, since = await portal.machine(), journey.managing("blocks"), now()
    body = {"contact_id": worker.profile, "reason": "misuse_suspected"}
    made = await portal.call(administrator, "authorizations", "POST", path, json=body, expect=201)
    told.holds(
        not await may_write(journey.portal, machine, worker, LETTER, journey.employer_id)
        and not await may_write(journey.portal, machine, worker, STATEMENT, journey.employer_id),
        "the very next check says no, to every function of that employer",
    )
    await portal.mail(worker.email, since, "the news of the block")
    since = now()
    await portal.call(administrator, "authorizations", "DELETE", f"{path}/{made['block_id']}", expect=204)
    told.holds(
        await may_write(journey.portal, machine, worker, LETTER, journey.employer_id), "unblocked: what was is again"
    )
    await portal.mail(worker.email, since, "the news that the block has ended")


async def see_the_code(journey: Journey, administrator: Someone, worker: Someone) -> None:
    """5: the administrator sees the code and renews it; nobody else does."""
    told, portal = journey.told, journey.portal
    told.step("MON EMPLOYEUR | 5. Consulter le code Connect", "Seen, renewed, and on a new letter.")
    path = f"/v1/organization-codes/{journey.employer_id}"
    shown = await portal.call(administrator, "linking", "GET", path, expect=200)
    told.holds(
        len(shown["code"]) == 6 and shown["code"] == await letter_of(journey, journey.employer_id),
        "six digits, those of the letter",
    )
    answer = await portal.answer(worker, "linking", "GET", path)
    told.holds(answer.status_code in (403, 404), "who manages nothing is not shown it")
    renewed = await portal.call(administrator, "linking", "POST", f"{path}/renewal", expect=201)
    told.holds(
        renewed["code"] != shown["code"] and renewed["letter_due"]
        and renewed["code"] == await letter_of(journey, journey.employer_id),
        "renewed: the code before is dead, and a letter with the new one is due",
    )  # fmt: skip


async def several_administrators(journey: Journey, administrator: Someone, other: Someone) -> None:
    """FAQ: another administrator is appointed and released; the last one stays."""
    told, portal = journey.told, journey.portal
    told.step(
        "FAQ | Un employeur peut-il avoir plus d’un administrateur de l’accès?",
        "Yes: another is appointed, and released again. The last one cannot be.",
    )
    path, since = journey.managing("administrators"), now()
    body = {"contact_id": other.profile}
    await portal.call(administrator, "authorizations", "POST", path, json=body, expect=201)
    await portal.mail(other.email, since, "the news of the role")

    async def manages() -> bool:
        return bool((await profile_at(journey, other, journey.employer_id))["manages"])

    await portal.until(manages, "the role in linking")
    told.holds(True, "the employer has two access administrators")
    await portal.call(administrator, "authorizations", "POST", f"{path}/{other.profile}/release", json={}, expect=204)
    last = f"{path}/{administrator.profile}/release"
    refused = await portal.call(administrator, "authorizations", "POST", last, json={}, expect=409)
    told.shows(refused["detail"])
    told.holds(refused["code"] == "last_manager", "one is released, the last one never")
