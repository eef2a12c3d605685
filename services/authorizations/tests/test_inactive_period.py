"""An organization that was inactive at the agency for a while comes back with its history, by the extracts alone."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chassis import keys
from chassis.sealing import Sealer
from contracts.linking import OrganizationClaimed
from contracts.notifications import InvitationContents
from services.authorizations.tests.claiming import NUMBER, Claims, claims
from services.authorizations.tests.conftest import Someone, bring_in
from tests.fixtures.gateway import OpenService

INVITED = "invitee@example.org"


@dataclass
class Came:
    """An employer with an administrator, a request that waits and an invitation that waits."""

    world: Claims
    folder: Path
    administrator: Someone
    asked: OrganizationClaimed
    token: str

    async def extract(self, status: str) -> None:
        """The agency's extract says that the employer is active, or not."""
        line = {
            "organization": {
                "kind": "employer", "number": NUMBER, "legal_name": "GLACE ET SEL LTÉE", "trade_names": [],
                "status": status, "email": "bureau@glace.example", "language": "fr",
            },
            "contacts": [],
        }  # fmt: skip
        file = self.folder / f"{status}.ndjson"
        file.write_text(json.dumps(line), encoding="utf-8")
        done = await bring_in(self.world.opened.unit, file)
        assert (done.rejected, done.changed) == (0, 1)

    async def accept(self) -> Any:
        """The invited person follows the link of the mail."""
        account_id = await self.world.account("Invitée", email=INVITED)
        return await self.world.client.post(
            "/v1/invitations/acceptance", json={"token": self.token}, headers=self.world.headers(account_id)
        )

    async def listed(self, what: str, headers: dict[str, str]) -> list[dict[str, Any]]:
        """A list of the employer's."""
        path = f"/v1/organizations/{self.world.employer_id}/{what}"
        answer = await self.world.client.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


@pytest.fixture
async def came(open_service: OpenService, tmp_path: Path, keyring_folder: Path) -> Came:
    world = await claims(open_service, tmp_path)
    administrator = await world.administrator()
    asked = await world.claim(await world.account("Asks"))
    invited = await world.client.post(
        f"/v1/organizations/{world.employer_id}/invitations",
        json={"email": INVITED, "name": "Invitée", "language": "fr", "type": "worker"},
        headers=administrator.headers,
    )
    assert invited.status_code == 201, invited.text
    sealer = Sealer(keys.read(keyring_folder / "notifications.json"), keys.read_public(keyring_folder / "public.json"))
    [mail] = await world.told("InvitationMail")
    return Came(world, tmp_path, administrator, asked, sealer.open(mail["sealed"], InvitationContents).token)


async def test_while_it_is_inactive_nobody_acts_decides_accepts_or_is_added(came: Came) -> None:
    world, administrator = came.world, came.administrator
    assert await world.check(administrator.account_id, "clearance_letter", "write")
    await came.extract("inactive")
    assert not await world.check(administrator.account_id, "clearance_letter", "write")
    decided = await world.decide(await world.request_of(came.asked), administrator.headers)
    assert decided.status_code in (403, 404), decided.text
    assert (await came.accept()).json()["code"] == "organization_not_active"
    late = await world.claim(await world.account("Late"), proven=True)
    [refused] = await world.told("ClaimRefused")
    assert (refused["claim_id"], refused["reason"]) == (str(late.claim_id), "organization_inactive")


async def test_active_again_it_has_its_people_requests_invitations_and_history(came: Came) -> None:
    world, administrator = came.world, came.administrator
    before = await came.listed("requests", administrator.headers)
    audited = [entry["action"] for entry in await came.listed("audit", world.agent)]
    await came.extract("inactive")
    await came.extract("active")

    assert await world.check(administrator.account_id, "clearance_letter", "write")
    assert await came.listed("requests", administrator.headers) == before and len(before) == 2
    request_id = await world.request_of(came.asked)
    approved = await world.decide(request_id, administrator.headers)
    assert (approved.status_code, approved.json()["state"]) == (200, "decided"), approved.text
    assert (await came.accept()).status_code == 200
    later = [entry["action"] for entry in await came.listed("audit", world.agent)]
    assert len(audited) > 2 and all(later.count(action) >= audited.count(action) for action in audited)
    another = await world.claim(await world.account("Another"))
    assert (await world.show(await world.request_of(another), administrator.headers)).status_code == 200
