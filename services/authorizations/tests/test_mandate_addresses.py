"""The address of each side of a mandate: one person's alone, asked for anew where it is not, and never lost."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import httpx
import pytest

from chassis import keys
from chassis.sealing import Sealer
from chassis.work import Work
from contracts.accounts import Person
from contracts.agency.mandates import MandateSide
from contracts.notifications import AddressNeededContents, OwnAddressNeededMail
from local import ROOT
from services.authorizations.accounts.handlers import follow_account
from services.authorizations.app import service
from services.authorizations.deciding.ending import erase_person
from services.authorizations.mandate_addresses.chores import ask_waiting
from services.authorizations.mandate_addresses.handlers import GiveAddress
from services.authorizations.mandates import completing
from services.authorizations.mandates import storage as mandates
from services.authorizations.mandates.domain import AskedMandate
from services.authorizations.mandates.locking import locked
from services.authorizations.mandates.storage import NewMandate
from services.authorizations.personal import storage as personal_fields
from services.authorizations.personal.domain import Personal
from services.authorizations.request_tokens import handlers as request_tokens
from services.authorizations.requests import storage as requests
from services.authorizations.requests.storage import NewRequest
from services.authorizations.tests.conftest import TEST, Firm, Someone, bring_in
from services.authorizations.tools import Tools
from tests.fixtures.gateway import OpenService

EXTRACT = ROOT / "agencies" / "ramq" / "demo" / "organizations.ndjson"
INVITED = "invitee@ailleurs.example"
OWN = "personne.mandatee@ailleurs.example"
DELEGATE = Personal("Mandatée", "Démo", INVITED, [], "fr")


@dataclass
class World:
    """Two professionals' organizations, and mandates that wait there."""

    at: Firm
    sealer: Sealer = field(repr=False)
    professionals: dict[str, Someone] = field(default_factory=dict)

    @property
    def client(self) -> httpx.AsyncClient:
        return self.at.client

    @property
    def pool(self) -> Any:
        return self.at.opened.unit.pool

    async def mandate(
        self, delegate: Personal = DELEGATE, of: str = "1200001", *, signed: bool = True, **asked: Any
    ) -> UUID:
        """A mandate, signed by both sides unless told otherwise, without any address yet."""
        professional = self.professionals[of]
        organization_id = await self.pool.fetchval(
            "select organization_id from contacts where contact_id = $1", professional.contact_id
        )

        async def make(work: Work[Tools], request_id: UUID) -> None:
            values: dict[str, Any] = {
                "subject": "online_billing", "level": "write", "type": "billing_clerk", "profession": "physician",
                "starts_on": work.today,
            } | asked  # fmt: skip
            new = NewRequest(
                request_id=request_id, kind="mandate", reason=None, organization_id=organization_id, other=None,
                asked_by_organization_id=organization_id, asked_by_contact_id=professional.contact_id,
                asked_by_account_id=None, claim_id=None, asked_by=f"account:{professional.account_id}",
                asked=AskedMandate(**values), decider="agents", lapses_on=work.today + timedelta(days=30),
                to_tell=None, state="signing",
            )  # fmt: skip
            await requests.add(work.connection, new, work.now)
            sides = uuid4(), uuid4()
            await mandates.add(
                work.connection,
                NewMandate(
                    request_id, None, "fr", delegate.language, sides[0], professional.account_id,
                    professional.contact_id, sides[1],
                ),
            )  # fmt: skip
            await personal_fields.describe(work.connection, request_id, delegate)
            await personal_fields.describe(work.connection, sides[0], Personal("Praticienne", "Démo", None, [], "fr"))
            if signed:
                for side in ("professional", "delegate"):
                    found = await locked(work, request_id)
                    assert found is not None
                    await completing.signed(work, *found, side)

        request_id = self.at.opened.unit.origin.new_id()
        await self.at.opened.unit.run(make, request_id, TEST)
        return request_id

    async def token(self, mandate_id: UUID, side: MandateSide = "delegate") -> str:
        """What a mail to a side leads with."""

        async def draw(work: Work[Tools], _: None) -> str:
            return await request_tokens.draw(work, mandate_id, side)

        return (await self.at.opened.unit.run(draw, None, TEST)).outcome

    def proof(self, email: str = OWN) -> str:
        return self.at.opened.issuer.proof("mandate_address", email=email)

    async def give(
        self, mandate_id: UUID, email: str = OWN, *, token: str | None = None, headers: Any = None, **body: Any
    ) -> httpx.Response:
        """A side gives an address: the delegate by a token, unless another or a profile is given."""
        given = {"address_proof": self.proof(email)} | body
        if headers is None:
            given["token"] = token or await self.token(mandate_id)
        return await self.client.post(
            f"/v1/mandates/{mandate_id}/address", json=given, headers=headers or {"Accept-Language": "fr"}
        )

    async def ask(self, mandate_id: UUID, side: MandateSide) -> httpx.Response:
        """An agent asks for another."""
        return await self.client.post(
            f"/v1/mandates/{mandate_id}/address-requests", json={"side": side}, headers=self.at.agent
        )

    async def state(self, mandate_id: UUID) -> str:
        found: str = await self.pool.fetchval("select state from requests where request_id = $1", mandate_id)
        return found

    async def side(self, mandate_id: UUID, side: MandateSide = "delegate") -> tuple[str, str | None]:
        row = await self.pool.fetchrow(
            "select address_state, address_reason from mandate_sides where request_id = $1 and side = $2",
            mandate_id, side,
        )  # fmt: skip
        return row["address_state"], row["address_reason"]

    async def complete(self, mandate_id: UUID) -> None:
        """Both sides give an address of their own."""
        assert (await self.give(mandate_id)).status_code == 200
        answer = await self.give(mandate_id, "dre@ailleurs.example", token=await self.token(mandate_id, "professional"))
        assert answer.json()["state"] == "submitted"

    async def later(self, **duration: float) -> None:
        """What a worker does about addresses after a time."""
        unit = self.at.opened.unit
        clock = unit.origin.clock
        origin = replace(unit.origin, clock=lambda: clock() + timedelta(**duration))
        await ask_waiting(replace(unit, origin=origin))

    async def asked(self, kind: str = "AddressNeededMail") -> list[tuple[dict[str, Any], AddressNeededContents]]:
        """The mails that ask for another address, opened as notifications would."""
        found = await self.at.opened.published(kind)
        return [(mail, self.sealer.open(mail["sealed"], AddressNeededContents)) for mail in found]

    async def account(self, email: str, family_name: str, given_name: str) -> None:
        """Accounts tells of a person."""
        now = self.at.opened.unit.origin.clock()
        person = Person(
            account_id=uuid4(), version=1, status="active", status_since=now, epoch=0, email=email,
            given_name=given_name, family_name=family_name, language="fr",
        )  # fmt: skip
        await self.at.opened.unit.run(follow_account, person, TEST)

    async def contact_has(self, number: str, email: str) -> None:
        """The address that an organization's file gives a contact."""
        await self.pool.execute(
            "update personal_fields set email = $2 from contacts where owner_id = contact_id and client_number = $1",
            number, email,
        )  # fmt: skip


@pytest.fixture
async def world(open_service: OpenService, keyring_folder: Path) -> World:
    opened = await open_service(service, agency=ROOT / "agencies" / "ramq")
    done = await bring_in(opened.unit, EXTRACT)
    assert (done.rejected, done.created) == (0, done.read)
    at = Firm(opened, uuid4(), {}, uuid4(), Someone(uuid4(), uuid4(), {}))
    sealer = Sealer(keys.read(keyring_folder / "notifications.json"), keys.read_public(keyring_folder / "public.json"))
    made = World(at, sealer)
    for number in ("1200001", "1300001"):
        made.professionals[number] = await at.link(await at.contact(number))
    return made


async def test_with_both_addresses_nothing_is_missing_and_agents_have_it(world: World) -> None:
    mandate_id = await world.mandate()
    first = await world.give(mandate_id)
    assert (first.status_code, first.json()) == (200, {"mandate_id": str(mandate_id), "state": "signing"})
    professional = world.professionals["1200001"]
    second = await world.give(mandate_id, "dre@ailleurs.example", headers=professional.headers)
    assert second.json()["state"] == "submitted"
    rows = await world.pool.fetch(
        "select side, address_state, email from mandate_sides join personal_fields on owner_id = side_id"
        " where request_id = $1 order by side", mandate_id,
    )  # fmt: skip
    assert [tuple(row) for row in rows] == [
        ("delegate", "verified", OWN), ("professional", "verified", "dre@ailleurs.example"),
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_address_of_a_function_is_refused_with_what_to_do_and_another_one_is_taken(
    world: World, language: str
) -> None:
    mandate_id = await world.mandate()
    token = await world.token(mandate_id)
    refused = await world.client.post(
        f"/v1/mandates/{mandate_id}/address",
        json={"token": token, "address_proof": world.proof("reception-2@cabinet.example")},
        headers={"Accept-Language": language},
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "address_of_a_function")
    assert refused.json()["fields"] == ["address_proof"]
    assert {"fr": "vous seul avez accès", "en": "only you have access"}[language] in refused.json()["detail"]
    assert (await world.side(mandate_id), await world.state(mandate_id)) == (("refused", "role_name"), "signing")
    assert (await world.give(mandate_id, token=token)).status_code == 200
    assert await world.side(mandate_id) == ("verified", None)
    assert (await world.give(mandate_id, token=token)).json()["code"] == "address_not_asked"


async def test_neither_side_has_the_others_mailbox_however_it_is_written(world: World) -> None:
    mandate_id = await world.mandate(replace(DELEGATE, email="marie.mandatee@gmail.com"))
    headers = world.professionals["1200001"].headers
    answer = await world.give(mandate_id, "MarieMandatee+ramq@googlemail.com", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "address_of_the_other_side")
    assert (await world.give(mandate_id, "dre@ailleurs.example", headers=headers)).status_code == 200
    answer = await world.give(mandate_id, "DRE+x@Ailleurs.example")
    assert answer.json()["code"] == "address_of_the_other_side"
    account = await world.pool.fetchval(
        "select email from personal_fields where owner_id = $1", world.professionals["1200001"].account_id
    )
    assert (await world.give(mandate_id, account)).json()["code"] == "address_of_the_other_side"
    assert await world.side(mandate_id) == ("refused", "other_side")


Known = Callable[[World], Awaitable[Any]]


async def _mandate_of_another(world: World) -> UUID:
    other = await world.mandate(Personal("Autre", "Démo", "autre@ailleurs.example", [], "fr"), "1300001")
    assert (await world.give(other, "personne.mandatee+autre@ailleurs.example")).status_code == 200
    return other


@pytest.mark.parametrize(
    "known",
    [
        lambda world: world.contact_has("1400001", OWN.upper()),
        lambda world: world.contact_has("1400001", "personne.mandatee+cabinet@ailleurs.example"),
        lambda world: world.account(OWN, "Autre", "Démo"),
        _mandate_of_another,
    ],
    ids=["contact", "contact by a label", "account", "side of a mandate"],
)
async def test_an_address_by_which_somebody_else_is_known_is_refused_and_nobody_is_told_whose_it_is(
    world: World, known: Known
) -> None:
    mandate_id = await world.mandate()
    await known(world)
    answer = await world.give(mandate_id)
    assert (answer.status_code, answer.json()["code"]) == (422, "address_of_another")
    assert await world.side(mandate_id) == ("refused", "somebody_else")
    assert not [name for name in ("Autre", "Apothicaire", "ÉCHANTILLON", OWN) if name in answer.text]


@pytest.mark.parametrize(
    "known",
    [
        lambda world: world.account(OWN, "Mandatee", "Démo"),
        lambda world: world.account("personne.mandatee@ailleurs.example.org", "Autre", "Démo"),
        lambda world: world.account("personne-mandatee@ailleurs.example", "Autre", "Démo"),
        lambda world: world.contact_has("1300001", OWN),
    ],
    ids=["the same person", "another domain", "another mailbox", "linked contact's former address"],
)
async def test_an_address_of_ones_own_is_taken(world: World, known: Known) -> None:
    mandate_id = await world.mandate()
    await known(world)
    assert (await world.give(mandate_id)).status_code == 200


async def test_who_signed_without_an_account_and_has_one_now_keeps_the_address_under_another_name(world: World) -> None:
    first = await world.mandate()
    assert (await world.give(first)).status_code == 200
    second = await world.mandate(Personal("Autre", "Démo", INVITED, [], "fr"), of="1300001")
    now = await world.at.link(await world.at.contact("1400001"))  # any contact that is linked
    await world.pool.execute(
        "update mandate_sides set contact_id = $2 where request_id = $1 and side = 'delegate'", first, now.contact_id
    )
    refused = await world.give(second)
    assert refused.json()["code"] == "address_of_another"
    await world.pool.execute(
        "update mandate_sides set account_id = $2 where request_id = $1 and side = 'delegate'", second, now.account_id
    )
    assert (await world.give(second)).status_code == 200


async def test_one_delegate_of_two_professionals_has_one_address_for_both(world: World) -> None:
    first, second = await world.mandate(), await world.mandate(of="1300001")
    assert (await world.give(first)).status_code == 200
    assert (await world.give(second)).status_code == 200


@pytest.mark.parametrize(
    ("state", "changed"),
    [
        ("withdrawn", "update requests set state = 'withdrawn', settled_at = now() where request_id = $1"),
        ("lapsed", "update requests set lapses_on = '2026-01-01' where request_id = $1"),
    ],
)
async def test_an_address_is_free_again_once_the_mandate_is_over(world: World, state: str, changed: str) -> None:
    other = await _mandate_of_another(world)
    mandate_id = await world.mandate()
    assert (await world.give(mandate_id)).json()["code"] == "address_of_another"
    await world.pool.execute(changed, other)
    assert (await world.give(mandate_id)).status_code == 200, state


async def test_of_two_persons_who_give_one_mailbox_at_once_one_has_it(world: World) -> None:
    for n in range(4):
        one = await world.mandate(Personal("Une", "Démo", None, [], "fr"), "1200001")
        other = await world.mandate(Personal("Autre", "Démo", None, [], "fr"), "1300001")
        tokens = [await world.token(one), await world.token(other)]
        answers = await asyncio.gather(
            world.give(one, f"course{n}@ailleurs.example", token=tokens[0]),
            world.give(other, f"course{n}+x@ailleurs.example", token=tokens[1]),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 422]


async def test_a_proof_is_good_for_one_side_once(world: World) -> None:
    mandate_id = await world.mandate()
    proof = world.proof()
    assert (await world.give(mandate_id, address_proof=proof)).status_code == 200
    token = await world.token(mandate_id, "professional")
    again = await world.give(mandate_id, address_proof=proof, token=token)
    assert (again.status_code, again.json()["code"]) == (422, "proof_refused")
    fresh = await world.give(mandate_id, token=token)
    assert fresh.json()["code"] == "address_of_the_other_side"
    other = await world.mandate(Personal("Autre", "Démo", None, [], "fr"), "1300001")
    assert (await world.give(other, address_proof=proof)).json()["code"] == "address_of_another"


async def test_whoever_has_no_part_in_a_mandate_gives_it_no_address(world: World) -> None:
    mandate_id, other = await world.mandate(), await world.mandate()
    wrong = await world.token(other)
    answers = [
        await world.give(mandate_id, token=wrong),
        await world.give(uuid4(), token=wrong),
        await world.give(mandate_id, token="x" * 43),
        await world.give(mandate_id, headers=world.professionals["1300001"].headers),
        await world.give(mandate_id, headers={"Authorization": f"Bearer {uuid4().hex}"}),
        await world.give(mandate_id, headers=world.at.agent),
        await world.client.post(f"/v1/mandates/{mandate_id}/address", json={"address_proof": world.proof()}),
    ]
    assert [answer.json()["code"] for answer in answers] == [
        "mandate_link_over", "mandate_link_over", "mandate_link_over", "not_found", "not_authenticated",
        "wrong_kind_of_caller", "not_authenticated",
    ]  # fmt: skip
    assert answers[0].text == answers[1].text == answers[2].text
    assert await world.side(mandate_id) == ("none", None)


async def test_only_a_code_proves_an_address(world: World) -> None:
    mandate_id = await world.mandate()
    issuer = world.at.opened.issuer
    account_id = world.professionals["1200001"].account_id
    for proof in (
        issuer.proof("mandate_address", account_id=account_id, digest="0" * 64),
        issuer.proof("mandate_signature", email=OWN),
        issuer.person(account_id),
    ):
        answer = await world.give(mandate_id, address_proof=proof)
        assert (answer.status_code, answer.json()["code"]) == (422, "proof_refused")
    assert await world.side(mandate_id) == ("none", None)


async def test_an_agent_asks_either_side_and_the_mandate_waits_outside_the_queue_with_its_signatures(
    world: World,
) -> None:
    mandate_id = await world.mandate()
    await world.complete(mandate_id)
    queue = "/v1/requests?kind=mandate"
    assert (await world.client.get(queue, headers=world.at.agent)).json()["total"] == 1

    assert (await world.ask(mandate_id, "delegate")).status_code == 204

    assert (await world.state(mandate_id), await world.side(mandate_id)) == ("signing", ("refused", "judged"))
    assert (await world.ask(mandate_id, "delegate")).json()["code"] == "address_not_there"
    [(mail, contents)] = await world.asked()
    assert (contents.address, mail["service"]) == (INVITED, "online_billing")
    assert contents.token not in str(mail)
    given = await world.give(mandate_id, "nouvelle@ailleurs.example", token=contents.token)
    assert given.json()["state"] == "submitted"

    assert (await world.ask(mandate_id, "professional")).status_code == 204
    _, contents = (await world.asked())[-1]
    account = await world.pool.fetchval(
        "select email from personal_fields where owner_id = $1", world.professionals["1200001"].account_id
    )
    assert contents.address == account
    given = await world.give(mandate_id, "dre2@ailleurs.example", token=contents.token)
    assert given.json()["state"] == "submitted"
    entries = await world.pool.fetch(
        "select actor_kind, detail from audit where action = 'mandate_address_asked' and object_id = $1", mandate_id
    )
    assert [(entry["actor_kind"], entry["detail"]["side"]) for entry in entries] == [
        ("agent", "delegate"), ("agent", "professional"),
    ]  # fmt: skip


async def test_agents_alone_judge_an_address_and_before_the_mandate_is_decided(world: World) -> None:
    mandate_id = await world.mandate()
    body = {"side": "delegate"}
    route = f"/v1/mandates/{mandate_id}/address-requests"
    mine = await world.client.post(route, json=body, headers=world.professionals["1200001"].headers)
    assert mine.json()["code"] == "wrong_kind_of_caller"
    assert (await world.ask(mandate_id, "delegate")).json()["code"] == "address_not_there"
    assert (await world.ask(uuid4(), "delegate")).status_code == 404
    await world.complete(mandate_id)
    await world.pool.execute(
        "update requests set state = 'decided', outcome = 'reject', settled_at = now() where request_id = $1",
        mandate_id,
    )
    assert (await world.ask(mandate_id, "delegate")).json()["code"] == "address_not_there"


async def test_whoever_left_the_page_is_asked_on_the_other_channel_after_an_hour_and_on_the_days_of_reminders(
    world: World,
) -> None:
    mandate_id = await world.mandate()
    token = await world.token(mandate_id)
    assert (await world.give(mandate_id, "info@cabinet.example", token=token)).status_code == 422
    await world.later(minutes=55)
    assert await world.asked() == []
    await world.later(minutes=65)
    await world.later(minutes=65)
    [(_, contents)] = await world.asked()
    assert contents.address == INVITED
    assert (await world.give(mandate_id, token=token)).json()["code"] == "mandate_link_over"
    await world.later(days=15, hours=-1)  # that day also where the clocks go forward until then
    assert await world.asked() == [(_, contents)]
    await world.later(days=16, hours=1)
    await world.later(days=27, hours=1)
    await world.later(days=31)
    assert len(await world.asked()) == 3
    assert (await world.give(mandate_id, token=(await world.asked())[-1][1].token)).status_code == 200


async def test_nobody_is_asked_who_gave_another_or_whose_mandate_is_over(world: World) -> None:
    given, over = await world.mandate(), await world.mandate()
    for mandate_id in (given, over):
        assert (await world.give(mandate_id, "info@cabinet.example")).status_code == 422
    assert (await world.give(given)).status_code == 200
    await world.pool.execute("update requests set state = 'withdrawn', settled_at = now() where request_id = $1", over)
    await world.later(hours=2)
    await world.later(days=16, hours=1)
    assert await world.asked() == []


async def test_where_the_professional_gave_a_shared_address_the_professional_is_asked_without_any_token(
    world: World,
) -> None:
    mandate_id = await world.mandate(replace(DELEGATE, email="info@cabinet.example"))
    token = await world.token(mandate_id)
    assert (await world.give(mandate_id, "info@cabinet.example", token=token)).status_code == 422
    await world.later(hours=2)
    assert await world.asked() == []
    [mail] = await world.at.opened.published("DelegateAddressNeededMail")
    assert (mail["service"], mail["recipient_id"]) == ("online_billing", mail["recipient_id"])
    assert (await world.give(mandate_id, token=token)).status_code == 200


async def test_an_agent_who_refuses_the_address_of_the_invitation_has_the_professional_asked(world: World) -> None:
    mandate_id = await world.mandate()
    assert (await world.give(mandate_id, "Invitee+x@ailleurs.example")).status_code == 200
    assert (await world.ask(mandate_id, "delegate")).status_code == 204
    assert await world.asked() == []
    assert len(await world.at.opened.published("DelegateAddressNeededMail")) == 1


async def test_looking_for_others_reads_a_few_rows_of_an_index(world: World) -> None:
    await world.pool.execute(
        "insert into personal_fields (owner_id, family_name, given_name, email, language)"
        " select gen_random_uuid(), 'F' || n, 'G', 'personne' || n || '@gmail.com', 'fr'"
        " from generate_series(1, 20000) n"
    )
    await world.pool.execute("analyze personal_fields")
    plan = await world.pool.fetch(
        "explain select owner_id from personal_fields where email is not null and legal_name is null"
        ' and mailbox_key(email) collate "C" = any($1::text[])',
        ["gmail.com/personne42", "googlemail.com/personne42"],
    )
    assert "personal_fields_mailboxes" in "\n".join(row[0] for row in plan)


async def _has(world: World, email: str, *, of: str = "account") -> None:
    """The address of the physician's account, or of the file."""
    professional = world.professionals["1200001"]
    owner = professional.account_id if of == "account" else professional.contact_id
    await world.pool.execute("update personal_fields set email = $2 where owner_id = $1", owner, email)


@pytest.mark.parametrize("shared", ["info@cabinet.example", OWN], ids=["a function's", "the other side's"])
async def test_a_professional_whose_accounts_address_is_refused_is_asked_at_the_files(
    world: World, shared: str
) -> None:
    mandate_id = await world.mandate()
    assert (await world.give(mandate_id)).status_code == 200
    await _has(world, shared)
    await _has(world, "dre@dossier.example", of="file")
    headers = world.professionals["1200001"].headers
    assert (await world.give(mandate_id, shared, headers=headers)).status_code == 422
    await world.later(hours=2)
    [(_, contents)] = await world.asked()
    assert contents.address == "dre@dossier.example"
    given = await world.give(mandate_id, "dre@ailleurs.example", token=contents.token)
    assert given.json()["state"] == "submitted"


async def test_no_token_goes_to_the_mailbox_of_a_professional_that_an_agent_refused(world: World) -> None:
    mandate_id = await world.mandate()
    assert (await world.give(mandate_id)).status_code == 200
    await _has(world, "dre@ailleurs.example")
    await _has(world, "DRE+dossier@ailleurs.example", of="file")
    professional = world.professionals["1200001"]
    assert (await world.give(mandate_id, "dre@ailleurs.example", headers=professional.headers)).status_code == 200

    assert (await world.ask(mandate_id, "professional")).status_code == 204

    assert await world.asked() == []
    assert await world.pool.fetchval("select count(*) from request_tokens where side = 'professional'") == 0
    [mail] = await world.at.opened.published("OwnAddressNeededMail")
    contents = world.sealer.open(mail["sealed"], OwnAddressNeededMail.contents)
    assert (contents.address, mail["service"]) == ("dre@ailleurs.example", "online_billing")
    given = await world.give(mandate_id, "nouvelle.dre@ailleurs.example", headers=professional.headers)
    assert given.json()["state"] == "submitted"


async def test_no_token_of_the_delegate_goes_where_somebody_else_reads(world: World) -> None:
    mandate_id = await world.mandate()
    await world.account(INVITED, "Autre", "Démo")
    assert (await world.give(mandate_id, "info@cabinet.example")).status_code == 422
    await world.later(hours=2)
    assert await world.asked() == []
    assert len(await world.at.opened.published("DelegateAddressNeededMail")) == 1


async def test_a_mailbox_that_an_agent_refused_is_refused_again_however_it_is_written_and_another_one_is_taken(
    world: World,
) -> None:
    mandate_id = await world.mandate()
    await world.complete(mandate_id)
    assert (await world.ask(mandate_id, "delegate")).status_code == 204
    local, _, host = OWN.partition("@")
    for again in (OWN, f"{local.upper()}+mandat@{host}"):
        refused = await world.give(mandate_id, again)
        assert (refused.status_code, refused.json()["code"]) == (422, "address_judged")
        assert (await world.state(mandate_id), await world.side(mandate_id)) == ("signing", ("refused", "judged"))
    assert (await world.give(mandate_id, "elle.seule@ailleurs.example")).json()["state"] == "submitted"
    [kept] = await world.pool.fetch("select mailbox from refused_mailboxes")
    assert len(kept["mailbox"]) == 32  # keyed, and no address
    await world.at.opened.unit.run(erase_person, mandate_id, TEST)
    assert await world.pool.fetchval("select count(*) from refused_mailboxes") == 0


async def test_an_organizations_address_is_nobodys_alone(world: World) -> None:
    mandate_id = await world.mandate()
    await world.pool.execute(
        "update personal_fields set email = 'le.nom.du.lieu@ailleurs.example' where owner_id ="
        " (select organization_id from requests where request_id = $1)",
        mandate_id,
    )
    refused = await world.give(mandate_id, "le.nom.du.lieu@ailleurs.example")
    assert (refused.status_code, refused.json()["code"]) == (422, "address_of_another")


def test_the_token_of_a_mail_stands_in_no_repr() -> None:
    assert "MANDATE.SECRET" not in repr(GiveAddress(uuid4(), "MANDATE.SECRET", cast(Any, None)))
