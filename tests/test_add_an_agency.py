"""docs/how-to/add-an-agency.md, followed block by block in a temporary directory: what comes out is an agency."""

import inspect
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from uuid_utils.compat import uuid7

from chassis.work import Actor
from contracts.accounts import Person
from contracts.agency import Agency, FaultyFiles, load
from contracts.agency.demo import load_demo
from contracts.linking import ProfileLinked
from contracts.tests import test_agency
from local import ROOT
from services.accounts.app import service as accounts
from services.authorizations.accounts.handlers import follow_account
from services.authorizations.app import service as authorizations
from services.authorizations.bindings.handlers import follow_link
from services.authorizations.imports.running import carry_out, files, receive
from services.linking.app import service as linking
from services.notifications.composing import preview
from tests.fixtures.gateway import Opened, OpenService

PAGE = (ROOT / "docs" / "how-to" / "add-an-agency.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)
OPERATOR = Actor("test", "test")


def follow(page: str, folder: Path) -> None:
    """Do in `folder`, which stands for the root of the repository, what the page's blocks say, in their order."""
    shutil.copytree(ROOT / "agencies", folder / "agencies")
    (folder / ".mandat").mkdir()
    (folder / ".mandat" / "venv").symlink_to(sys.prefix)
    for language, path, content in BLOCK.findall(page):
        if language == "sh":
            environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
            subprocess.run(["sh", "-euc", content], cwd=folder, env=environment, check=True)
        else:
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the page's agency."""
    folder = tmp_path_factory.mktemp("repository")
    follow(PAGE, folder)
    return folder / "agencies" / "rep"


@pytest.fixture
def agency(built: Path) -> Agency:
    return load(built)


def test_the_pages_agency_is_one_that_the_loader_takes(agency: Agency) -> None:
    assert agency.profile.code == "rep" and load_demo(agency).organizations


@pytest.mark.parametrize(
    "check",
    [
        check
        for _, check in inspect.getmembers(test_agency, inspect.isfunction)
        if check.__name__.startswith("test_") and list(inspect.signature(check).parameters) == ["folder"]
    ],
)
def test_it_passes_the_checks_that_every_folder_of_agencies_passes(check: Any, built: Path) -> None:
    check(built)


def test_what_the_page_says_may_be_absent_is(built: Path) -> None:
    assert not (built / "campaigns.yaml").exists() and not (built / "letters").exists()


@pytest.mark.parametrize("name", ["linking_coordinates.yaml", "verification_code.yaml"])
def test_a_mail_that_the_agency_can_cause_may_not_be_absent(name: str, built: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(built, tmp_path / "rep"))
    (folder / "mails" / name).unlink()
    with pytest.raises(FaultyFiles, match=f"{name}:1: The file is missing"):
        load(folder)


def test_every_mail_that_it_words_can_be_seen(agency: Agency) -> None:
    page = preview.page(agency)
    assert "Example Fisheries Board" in page and "CCQ" not in page


async def test_accounts_takes_registrations_in_its_words(open_service: OpenService, built: Path) -> None:
    opened = await open_service(accounts, agency=built, machines=())
    notice = (await opened.client.get("/v1/registration-notice", headers={"Accept-Language": "fr"})).json()
    assert [door["name"] for door in notice["doors"]] == ["Entreprises et équipages"]
    body = {
        "email": "proprietaire@pecheries.example", "password": "une phrase de passe pour essayer", "language": "fr",
        "given_name": "Démo", "family_name": "Propriétaire", "terms_version": notice["terms_version"],
    }  # fmt: skip
    made = await opened.client.post("/v1/registrations", json=body)
    assert made.status_code == 202, made.text
    assert len(await opened.published("VerificationCodeMail")) == 1


async def test_linking_offers_its_method(open_service: OpenService, built: Path) -> None:
    opened = await open_service(linking, agency=built)
    headers = {"Authorization": f"Bearer {opened.issuer.person(uuid4())}", "Accept-Language": "en"}
    methods = await opened.client.get("/v1/linking-methods", headers=headers)
    assert [method["name"] for method in methods.json()["items"]] == ["Use linking coordinates"]


async def test_its_owner_is_brought_in_adds_a_crew_member_and_both_may_act(
    open_service: OpenService, built: Path
) -> None:
    opened = await open_service(authorizations, agency=built)
    rows = files([built / "demo" / "organizations.ndjson"])
    done = await carry_out(opened.unit, await receive(opened.unit, rows, OPERATOR, dry_run=False))
    assert (done.rejected, done.created) == (0, done.read)
    [owner] = await opened.unit.pool.fetch("select contact_id, organization_id from contacts")
    organization_id = owner["organization_id"]
    headers = await linked(opened, owner["contact_id"], organization_id)

    forms = (await opened.client.get("/v1/forms", headers=headers)).json()["items"]
    addition = next(form for form in forms if form["kind"] == "addition")
    assert addition["title"] == "Ajouter un membre d’équipage"
    body = {
        "contact": {
            "family_name": "Matelot", "given_name": "Démo", "email": "matelot@pecheries.example", "telephones": [],
            "language": "fr",
        },
        "type": "crew_member",
        "subjects": [{"subject": "landing_report", "level": "write"}],
        "attestations": [{"code": ticked["code"], "version": ticked["version"]} for ticked in addition["attestations"]],
    }  # fmt: skip
    path = f"/v1/organizations/{organization_id}/contacts"
    added = await opened.client.post(path, json=body, headers=headers)
    assert added.status_code == 201, added.text
    member = await linked(opened, UUID(added.json()["contact_id"]), organization_id)
    for who, subject, expected in (
        (headers, "licence", True),
        (member, "landing_report", True),
        (member, "licence", False),
    ):
        assert await may(opened, who, subject, organization_id) is expected


async def linked(opened: Opened[Any], contact_id: UUID, organization_id: UUID) -> dict[str, str]:
    """The headers of an account that is linked to a contact, as the two other services would tell of it."""
    account_id, since = uuid7(), datetime.now(UTC) - timedelta(days=1)
    person = Person(
        account_id=account_id, version=1, status="active", status_since=since, epoch=0,
        email=f"{account_id.hex}@example.org", given_name="Démo", family_name="Personne", language="fr",
    )  # fmt: skip
    link = ProfileLinked(
        link_id=uuid7(), account_id=account_id, contact_id=contact_id, organization_id=organization_id,
        method="coordinates", linked_at=since,
    )  # fmt: skip
    await opened.unit.run(follow_account, person, OPERATOR)
    await opened.unit.run(follow_link, link, OPERATOR)
    token = opened.issuer.person(account_id)
    return {
        "Authorization": f"Bearer {token}", "Mandat-Profile": str(contact_id), "Accept-Language": "fr",
        "Account": str(account_id),
    }  # fmt: skip


async def may(opened: Opened[Any], who: dict[str, str], subject: str, organization_id: UUID) -> bool:
    """What the access check answers another system."""
    question = {
        "subject": {"type": "account", "id": who["Account"]},
        "action": {"name": "write"},
        "resource": {"type": subject, "id": str(organization_id)},
    }
    headers = {"Authorization": f"Bearer {opened.issuer.machine('access:evaluate')}"}
    answer = await opened.client.post("/access/v1/evaluation", json=question, headers=headers)
    assert answer.status_code == 200, answer.text
    return bool(answer.json()["decision"])
