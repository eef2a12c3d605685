"""Practices of the load: a professional mandates persons, both sides sign, agents decide, and what was given ends."""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from local.journeys.portal import Someone
from tests.faults.client import Client, Leaves, Refused, now
from tests.faults.firms import join, statements
from tests.faults.history import Kind
from tests.faults.people import MAIL_PATIENCE, newcomer, one_time_code
from tests.faults.population import Practice

MOST_DELEGATES = 8
"""Persons whom one practice mandates; afterwards what was given is renewed and revoked."""

DAYS = 100
"""For which a mandate is asked: it ends, so that it can be renewed."""

SOMETIMES, TWO_DECIDE = 0.15, 0.3
LINK = re.compile(r"#([0-9a-f-]{36})\.([A-Za-z0-9_-]{20,})")
"""What follows the address of the page that a mail leads to: the mandate, and the token."""

USER_NAME = re.compile(r"(?<![0-9a-z])(u\d{10})(?!\d)")
TEMPORARY_PASSWORD = re.compile(r"(?m)^\s*([0-9a-z]{3,6}(?:-[0-9a-z]{3,6}){2,})\s*$")

Move = Callable[[], Awaitable[None]]


@dataclass
class Delegate:
    """Somebody who is mandated: for which services by now, by which mandates; `busy` while something is under way."""

    someone: Someone
    mandates: dict[str, str] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    busy: bool = True


@dataclass
class Practising:
    """The professional of a practice, and the agent whom they have to do with."""

    client: Client
    practice: Practice
    someone: Someone
    agent: Someone
    organization_id: str = ""
    ticked: list[dict[str, Any]] = field(default_factory=list)
    delegates: list[Delegate] = field(default_factory=list)
    under_way: set["asyncio.Task[None]"] = field(default_factory=set)
    at_work: asyncio.Event = field(default_factory=asyncio.Event)

    async def live(self) -> None:
        """Join, then mandate until the load ends."""
        try:
            functions = [self.practice.profession]
            self.organization_id = await join(self.client, self.agent, self.someone, self.practice.number, functions)
            self.ticked = (await statements(self.client, self.someone))["signature"]
            self.at_work.set()
            while True:
                self._meanwhile(self.client.chance.choice(self._moves())())
                await self.client.rest(self.client.chance.uniform(0.5, 2.0))
        except Leaves:
            return
        finally:
            await asyncio.gather(*self.under_way)

    def _moves(self) -> list[Move]:
        moves: list[Move] = [self._mandates_somebody] * 3 if len(self.delegates) < MOST_DELEGATES else [self._rests]
        for delegate in self.delegates:
            if not delegate.busy:
                moves.append(partial(self._mandates_again, delegate))
                moves += [partial(act, delegate) for act in (self._revokes, self._renews) if delegate.mandates]
        return moves

    def _meanwhile(self, what: Awaitable[None]) -> None:
        async def until_left() -> None:
            with contextlib.suppress(Leaves):
                await what

        self.under_way.add(asyncio.ensure_future(until_left()))

    async def _rests(self) -> None:
        return

    async def _mandates_somebody(self) -> None:
        delegate = Delegate(newcomer(self.client))
        self.delegates.append(delegate)
        await self._one_more(delegate)

    async def _mandates_again(self, delegate: Delegate) -> None:
        delegate.busy = True
        await self._one_more(delegate)

    async def _one_more(self, delegate: Delegate) -> None:
        """A mandate for a service that the person was not yet mandated for; the first brings a credential along."""
        offered = [one for one in self.client.ground.offers.mandated(self.practice.profession)
                   if one.subject not in delegate.asked]  # fmt: skip
        if not offered:
            return
        service = self.client.chance.choice(offered)
        delegate.asked.add(service.subject)
        who = delegate.someone
        person = {name: getattr(who, name) for name in ("family_name", "given_name", "email", "language")}
        ends_on = (self.client.ground.today() + timedelta(days=DAYS)).isoformat()
        wanted = {"delegate": person, "service": service.subject, "role": service.roles[0], "ends_on": ends_on,
                  "language": self.someone.language}  # fmt: skip
        since = now()
        made = await self.client.command(
            Kind.MANDATE, self.someone, "authorizations", "POST", "/v1/mandates",
            asked={"organization_id": self.organization_id, "person": who.family_name, "subject": service.subject},
            json={**self.client.ground.offers.answered(), "mandates": [wanted]}, keyed=True,
        )  # fmt: skip
        mandate = made.made["items"][0]
        await self._is_signed_and_decided(delegate, mandate["mandate_id"], mandate["digest"], service.subject)
        if delegate.mandates and not who.account_id:
            await self._signs_in_first(delegate, since)
        delegate.busy = False

    async def _is_signed_and_decided(self, delegate: Delegate, mandate_id: str, digest: str, subject: str) -> None:
        since = now()
        await self._signs(mandate_id, digest)
        if self.client.chance.random() < SOMETIMES:
            await self._withdraws(mandate_id)
            return
        await self._countersigns(delegate.someone, mandate_id, since)
        if self.client.chance.random() < SOMETIMES:
            let = partial(self.client.ground.let_lapse, mandate_id)
            await self.client.let_pass(Kind.LAPSE, {"request_id": mandate_id}, let)
            return
        reject, approve = self.client.ground.offers.against("mandate"), {"outcome": "approve"}
        first = self.client.chance.choices((approve, reject), (6, 1))[0]
        outcomes = [first, reject if first is approve else approve]
        deciding = outcomes[: 2 if self.client.chance.random() < TWO_DECIDE else 1]
        await asyncio.gather(*(self._decides(mandate_id, outcome) for outcome in deciding))
        view = await self.client.look(self.someone, "authorizations", f"/v1/mandates/{mandate_id}")
        if view["outcome"] == "approve":
            delegate.mandates[subject] = mandate_id

    async def _signs(self, mandate_id: str, digest: str) -> None:
        body = {"password": self.someone.password, "purpose": "mandate_signature", "digest": digest}
        proven = await self.client.ask(self.someone, "accounts", "/v1/proofs", body)
        await self._signature(
            self.someone, mandate_id, "professional", {"proof": proven["proof"], "attestations": self.ticked}
        )

    async def _countersigns(self, who: Someone, mandate_id: str, since: Any) -> None:
        """By the link of the mail, without an account, at an address of one's own."""
        stranger = Someone(who.email, "", "", "", who.language)
        mail = await self.client.mail(who.email, since, partial(_link_to, mandate_id), 10 * MAIL_PATIENCE)
        if mail is None:
            raise Leaves
        token = mail[0]
        page = await self.client.ask(stranger, "authorizations", f"/v1/mandates/{mandate_id}/page", {"token": token})
        since = now()
        wanted = {"email": who.email, "purpose": "mandate_address", "language": who.language}
        asked = await self.client.ask(stranger, "accounts", "/v1/address-proofs", wanted)
        code = await self.client.mail(who.email, since, one_time_code, 2 * MAIL_PATIENCE)
        if code is None:
            raise Leaves
        path = f"/v1/address-proofs/{asked['proof_id']}/completion"
        proven = await self.client.ask(stranger, "accounts", path, {"code": code[0]})
        attested = [{"code": one["code"], "version": one["version"]} for one in page["attestations"]]
        person = {"family_name": who.family_name, "given_name": who.given_name}
        body = {"token": token, "digest": page["digest"], "person": person, "attestations": attested}
        await self._signature(stranger, mandate_id, "delegate", body | {"address_proof": proven["proof"]})

    async def _signature(self, who: Someone, mandate_id: str, side: str, body: dict[str, Any]) -> None:
        await self.client.command(
            Kind.SIGN, who, "authorizations", "POST", f"/v1/mandates/{mandate_id}/signatures",
            asked={"request_id": mandate_id, "side": side}, json=body, keyed=True,
        )  # fmt: skip

    async def _withdraws(self, mandate_id: str) -> None:
        await self.client.command(
            Kind.WITHDRAW, self.someone, "authorizations", "POST", f"/v1/mandates/{mandate_id}/withdrawal",
            asked={"request_id": mandate_id}, done_before=("request_not_pending",),
        )  # fmt: skip

    async def _decides(self, mandate_id: str, body: dict[str, str]) -> None:
        path = f"/v1/requests/{mandate_id}"
        _, version = await self.client.opened(self.agent, "authorizations", path)
        with contextlib.suppress(Refused):  # another was first
            await self.client.command(
                Kind.DECIDE, self.agent, "authorizations", "POST", f"{path}/decision",
                asked={"request_id": mandate_id, "outcome": body["outcome"]}, json=body, version=version,
                done_before=("request_not_pending",),
            )  # fmt: skip

    async def _signs_in_first(self, delegate: Delegate, since: Any) -> None:
        """With the two halves of the credential, which came to two people."""
        who, professional = delegate.someone, self.someone
        secret = await self.client.mail(who.email, since, TEMPORARY_PASSWORD.search, 10 * MAIL_PATIENCE)
        name = await self.client.mail(
            professional.email, since, partial(_user_name, who.family_name), 10 * MAIL_PATIENCE
        )
        if secret is None or name is None:
            raise Leaves
        stranger = Someone(who.email, "", "", "", who.language)
        terms = await self.client.look(stranger, "accounts", "/v1/terms")
        body = {"login": name[0], "password": secret[0][1], "new_password": who.password,
                "terms_version": terms["version"]}  # fmt: skip
        try:
            opened = await self.client.command(
                Kind.FIRST_SIGN_IN, stranger, "accounts", "POST", "/v1/first-sign-ins",
                asked={"person": who.family_name}, json=body,
            )  # fmt: skip
            who.account_id, who.access_token = opened.made["account_id"], opened.made["access_token"]
        except Refused as refused:
            if not refused.command.unanswered:
                raise
            await self.client.sign_in(who)

    async def _revokes(self, delegate: Delegate) -> None:
        """By the professional, the delegate or an agent; whoever it was given to goes on asking whether they may."""
        delegate.busy = True
        subject, mandate_id = self.client.chance.choice(sorted(delegate.mandates.items()))
        del delegate.mandates[subject]
        who = delegate.someone
        await self._check(delegate, subject)
        revoking = self.client.command(
            Kind.REVOKE, self.client.chance.choice((self.someone, self.agent)), "authorizations", "POST",
            f"/v1/mandates/{mandate_id}/revocation",
            asked={"request_id": mandate_id, "organization_id": self.organization_id, "subject": subject,
                   "account_id": who.account_id},
            done_before=("mandate_not_in_force",),
        )  # fmt: skip
        await asyncio.gather(revoking, self._check(delegate, subject))
        for _ in range(2):
            await self._check(delegate, subject)
            await self.client.rest(self.client.chance.uniform(0.05, 0.7))
        delegate.busy = False

    async def _check(self, delegate: Delegate, subject: str) -> None:
        who = delegate.someone
        if not who.account_id:
            return
        question = {
            "subject": {"type": "account", "id": who.account_id},
            "action": {"name": "read"},
            "resource": {"type": subject, "id": self.organization_id},
        }
        asked = {"organization_id": self.organization_id, "account_id": who.account_id, "subject": subject}
        await self.client.command(
            Kind.CHECK, who, "authorizations", "POST", "/access/v1/evaluation", asked=asked, json=question
        )

    async def _renews(self, delegate: Delegate) -> None:
        """For the days after; the same person signs the new text, and nobody is sent a credential again."""
        delegate.busy = True
        subject, mandate_id = self.client.chance.choice(sorted(delegate.mandates.items()))
        del delegate.mandates[subject]  # neither of the two is renewed, or revoked, any more
        ends_on = (self.client.ground.today() + timedelta(days=2 * DAYS)).isoformat()
        renewed = await self.client.command(
            Kind.RENEW_MANDATE, self.someone, "authorizations", "POST", f"/v1/mandates/{mandate_id}/renewal",
            asked={"request_id": mandate_id}, json={"ends_on": ends_on, "language": self.someone.language}, keyed=True,
        )  # fmt: skip
        renewal = Delegate(delegate.someone)
        await self._is_signed_and_decided(renewal, renewed.made["mandate_id"], renewed.made["digest"], subject)
        delegate.busy = False


def _link_to(mandate_id: str, text: str) -> str | None:
    """The token of the link that leads to a mandate."""
    return next((f"{found[1]}.{found[2]}" for found in LINK.finditer(text) if found[1] == mandate_id), None)


def _user_name(family_name: str, text: str) -> str | None:
    """The user name of the person whom a mail names."""
    found = USER_NAME.search(text)
    return found[1] if found and family_name in text else None
