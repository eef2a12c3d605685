"""What one person of the load does: register, link, leave, be known by something old, forget, move."""

import contextlib
import itertools
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from string import ascii_lowercase

from local.journeys.portal import LINKING_CODE, ONE_TIME_CODE, Language, Someone
from tests.faults.client import Client, Leaves, Refused, now, session_of
from tests.faults.history import Kind
from tests.faults.population import FormerUser

PASSWORD = "quatre mésanges au verger"
MAIL_PATIENCE = 20.0
"""Seconds until a person asks for another code."""

PATIENCE_OF_SOME = 90.0
"""Longer than a one-time code of a long run is good: one that cannot be sent in time is not replaced, it expires."""

ASKS = 3
"""How often a person asks for a code before they give up."""

UNDO_TOKEN = re.compile(r"/courriel/annulation#(\S+)")
CONFIRMATION = re.compile(r"#([0-9a-f-]{36})\.([0-9A-Za-z_-]{20,})")
"""What follows the address of the page that a mail of confirmation leads to: the registration, and the token."""

NUMBER = re.compile(r"(?:Numéro de (?:client|professionnel)|(?:Client|Professional’s) number)\s*:\s*(\d+)")
"""As mails with coordinates name it."""

_numbers = itertools.count(1)


async def open_account(
    client: Client, someone: Someone, *, impatient: bool = False, patience: float = MAIL_PATIENCE
) -> None:
    """Register, and verify with what the newest mail holds. The impatient ask for a second mail at once, others after
    `patience` seconds without one."""
    terms = await client.look(someone, "accounts", "/v1/terms")
    since = now()
    body = {
        "email": someone.email,
        "password": someone.password,
        "given_name": someone.given_name,
        "family_name": someone.family_name,
        "language": someone.language,
        "terms_version": terms["version"],
        **client.ground.offers.registration(),
    }
    asked = {"person": someone.family_name}
    made = await client.command(Kind.REGISTER, someone, "accounts", "POST", "/v1/registrations", asked=asked, json=body)
    registration = made.made["registration_id"]
    if impatient:
        since = await _resend(client, someone, registration)
    for _ in range(ASKS):
        while (mail := await client.mail(someone.email, since, _proof, patience)) is not None:
            proof, received_at = mail
            if await _verified(client, someone, registration, proof):
                return
            since = received_at + timedelta(microseconds=1)
        since = await _resend(client, someone, registration)
    raise Leaves


async def _resend(client: Client, someone: Someone, registration: str) -> datetime:
    asked = {"registration_id": registration}
    path = f"/v1/registrations/{registration}/resend"
    await client.command(Kind.RESEND, someone, "accounts", "POST", path, asked=asked)
    return now() - timedelta(seconds=1)


async def _verified(client: Client, someone: Someone, registration: str, proof: dict[str, str]) -> bool:
    asked = {"registration_id": registration, "person": someone.family_name}
    path = f"/v1/registrations/{registration}/verification"
    body = proof | ({"password": someone.password} if "token" in proof else {})
    try:
        opened = await client.command(Kind.VERIFY, someone, "accounts", "POST", path, asked=asked, json=body)
    except Refused as refused:
        # The gateway cannot tell a spent code from a wrong one: after a request without an answer, signing in tells.
        return refused.command.unanswered > 0 and await _can_sign_in(client, someone)
    someone.account_id, someone.access_token = opened.made["account_id"], opened.made["access_token"]
    return True


async def _can_sign_in(client: Client, someone: Someone) -> bool:
    try:
        await client.sign_in(someone)
    except Refused:
        return False
    return True


@dataclass(frozen=True)
class Linked:
    """A link, and the coordinates that it was made with, spent since."""

    link_id: str
    contact_id: str
    body: dict[str, str]


async def link(client: Client, someone: Someone, address: str, since: datetime) -> Linked:
    """Redeem the coordinates of the newest mail to the address on file."""
    while (mail := await client.mail(address, since, _coordinates, 10 * MAIL_PATIENCE)) is not None:
        (number, code), received_at = mail
        body = {"method": client.ground.offers.coordinates, "client_number": number, "linking_code": code}
        asked = {"account_id": someone.account_id, "client_number": number}
        try:
            linked = await client.command(
                Kind.LINK, someone, "linking", "POST", "/v1/links", asked=asked, json=body, keyed=True
            )
        except Refused:  # a batch has meanwhile replaced the code: a newer mail brings the next
            since = received_at + timedelta(microseconds=1)
            continue
        someone.profile = linked.made["profile"]["contact_id"]
        return Linked(linked.made["link_id"], someone.profile, body)
    raise Leaves


async def contest(client: Client, comer: Someone, linked: Linked) -> None:
    """Try to become, with coordinates that somebody else has spent, the contact that they are by now."""
    asked = {"account_id": comer.account_id, "contact_id": linked.contact_id}
    try:
        await client.command(
            Kind.CONTEST, comer, "linking", "POST", "/v1/links", asked=asked, json=linked.body, keyed=True
        )
    except Refused as refused:
        if refused.command.problem != "link_refused":
            raise


async def unlink(client: Client, someone: Someone, link_id: str) -> None:
    """End a link of one's own."""
    path, asked = f"/v1/links/{link_id}", {"link_id": link_id}
    await client.command(Kind.UNLINK, someone, "linking", "DELETE", path, asked=asked)
    someone.profile = ""


async def former_user(client: Client, user: FormerUser) -> None:
    """Open an account, and link every file that an old user name stood for; some end one of the links again."""
    try:
        await client.rest(client.chance.uniform(0.0, 2.0))
        someone = newcomer(client)
        await open_account(client, someone)
        body = {"method": "former_credential", "user_name": user.user_name, "password": user.password}
        asked = {"account_id": someone.account_id}
        linked = await client.command(
            Kind.REDEEM_FORMER, someone, "linking", "POST", "/v1/links", asked=asked, json=body, keyed=True
        )
        if client.chance.random() < 0.5:
            await unlink(client, someone, linked.made["profiles"][-1]["link_id"])
    except Leaves:
        return


async def sign_out(client: Client, someone: Someone) -> None:
    """End the session that the person's token belongs to."""
    if not someone.access_token:  # another act of theirs is signing in
        await client.sign_in(someone)
    session = session_of(someone.access_token)
    path = f"/v1/sessions/{session}"
    asked = {"session_id": session}
    await client.command(Kind.SIGN_OUT, someone, "accounts", "DELETE", path, asked=asked)


async def forget_password(client: Client, someone: Someone) -> None:
    """Choose another password by a code, and sign in with it."""
    for _ in range(ASKS):
        since, asked = now(), {"account_id": someone.account_id}
        reset = await client.command(
            Kind.ASK_PASSWORD, someone, "accounts", "POST", "/v1/password-resets",
            asked=asked, json={"email": someone.email},
        )  # fmt: skip
        while (mail := await client.mail(someone.email, since, one_time_code, MAIL_PATIENCE)) is not None:
            code, received_at = mail
            if await _chosen(client, someone, reset.made["reset_id"], code):
                return
            since = received_at + timedelta(microseconds=1)
    raise Leaves


async def _chosen(client: Client, someone: Someone, reset: str, code: str) -> bool:
    before, someone.password = someone.password, f"{PASSWORD} {client.chance.getrandbits(32)}"
    path = f"/v1/password-resets/{reset}/completion"
    body = {"code": code, "new_password": someone.password}
    stranger = Someone(someone.email, "", "", "", someone.language)  # who forgot a password is not signed in
    try:
        await client.command(
            Kind.CHOOSE_PASSWORD, stranger, "accounts", "POST", path, asked={"reset_id": reset}, json=body
        )
    except Refused as refused:
        if refused.command.unanswered > 0 and await _can_sign_in(client, someone):
            return True
        someone.password = before
        return False
    await client.sign_in(someone)
    return True


async def move(client: Client, someone: Someone) -> None:
    """Change one's address; of those who did, half are told at the former one that it was not they, and undo it."""
    former = someone.email
    new = f"moved-{next(_numbers)}@load.example"
    since = now()
    asked = {"account_id": someone.account_id}
    change = await client.command(
        Kind.ASK_ADDRESS, someone, "accounts", "POST", "/v1/account/email-changes",
        asked=asked, json={"password": someone.password, "new_email": new},
    )  # fmt: skip
    mail = await client.mail(new, since, one_time_code, MAIL_PATIENCE)
    if mail is None or not await _moved(client, someone, change.made["change_id"], mail[0], new):
        return
    if client.chance.random() < 0.5:
        return
    told = await client.mail(former, since, UNDO_TOKEN.search, PATIENCE_OF_SOME)
    if told is None:
        return
    stranger = Someone(former, "", "", "", someone.language)
    await client.command(
        Kind.UNDO_ADDRESS, stranger, "accounts", "POST", "/v1/email-change-undos",
        asked={"change_id": change.made["change_id"]}, json={"token": told[0][1], "password": someone.password},
        done_before=("undo_refused",),
    )  # fmt: skip
    someone.email = former
    await forget_password(client, someone)


async def _moved(client: Client, someone: Someone, change: str, code: str, new: str) -> bool:
    path = f"/v1/account/email-changes/{change}/verification"
    try:
        await client.command(
            Kind.VERIFY_ADDRESS, someone, "accounts", "POST", path, asked={"change_id": change}, json={"code": code}
        )
    except Refused as refused:
        own = await client.look(someone, "accounts", "/v1/account") if refused.command.unanswered else {}
        if own.get("email") != new:
            return False
    someone.email = new
    return True


async def newcomers(client: Client) -> None:
    """One after the other, until the load ends, people register; some ask for a second code, some sign out again,
    forget, or move. After one who gives up comes the next."""
    while not client.ending.is_set():
        with contextlib.suppress(Leaves):
            someone = newcomer(client)
            patience = client.chance.choice((MAIL_PATIENCE, MAIL_PATIENCE, PATIENCE_OF_SOME))
            await open_account(client, someone, impatient=client.chance.random() < 0.5, patience=patience)
            act = client.chance.choice((None, sign_out, move, forget_password))
            if act is not None:
                await act(client, someone)


def newcomer(client: Client) -> Someone:
    """Somebody whom nobody knows yet."""
    languages: tuple[Language, ...] = ("fr", "en")
    language = client.chance.choice(languages)
    return Someone(f"person-{next(_numbers)}@load.example", PASSWORD, "Démo", nobodys_name(client), language)


def nobodys_name(client: Client) -> str:
    """A name like nobody's: else an agent would be asked."""
    return "".join(client.chance.choices(ascii_lowercase, k=12)).title()


def _proof(text: str) -> dict[str, str] | None:
    """What a mail holds that confirms an address, as the body that does so: a code, or the token of a link."""
    if link := CONFIRMATION.search(text):
        return {"token": link[2]}
    code = one_time_code(text)
    return {"code": code} if code else None


def one_time_code(text: str) -> str | None:
    """The code that a mail brings, which is no linking code."""
    found = ONE_TIME_CODE.search(text)
    return "".join(found.groups()) if found and not LINKING_CODE.search(text) else None


def _coordinates(text: str) -> tuple[str, str] | None:
    number, code = NUMBER.search(text), LINKING_CODE.search(text)
    return (number[1], "".join(code.groups())) if number and code else None
