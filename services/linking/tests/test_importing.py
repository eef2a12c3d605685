"""Promises of importing former credentials: safe to repeat, and every line is told for."""

from collections import Counter
from pathlib import Path

import pytest

from services.linking.former_credentials.importing import Outcome, Rehearsal, import_file, summary
from services.linking.tests.conftest import CCQ
from services.linking.tests.former import PASSWORD, bring_in, credential, hashed, method_of
from services.linking.tests.world import Linking, a_contact, an_account, an_organization

FILE = {"client_number": "3000001"}


async def test_a_file_sent_again_changes_nothing_and_a_new_password_replaces_the_old(
    linking: Linking, tmp_path: Path
) -> None:
    lines = [credential(f"demo.{number}", FILE) for number in range(20)]
    assert await bring_in(linking, tmp_path, *lines) == {"created": 20}
    assert await bring_in(linking, tmp_path, *lines) == {"unchanged": 20}
    newer = credential("demo.3", FILE, hash=hashed("plus récent", b"othersalt"))
    assert await bring_in(linking, tmp_path, newer) == {"changed": 1}
    organization, account = an_organization(), an_account()
    await linking.send(organization, a_contact(organization), account)
    assert (await linking.redeem_former(account.account_id, "demo.3", PASSWORD)).status_code == 422
    assert (await linking.redeem_former(account.account_id, "demo.3", "plus récent")).status_code == 201


async def test_a_dry_run_foretells_what_becomes_of_every_line_and_keeps_nothing(
    linking: Linking, tmp_path: Path
) -> None:
    organization, account = an_organization(), an_account()
    await linking.send(organization, a_contact(organization), account)
    await bring_in(linking, tmp_path, *[credential(f"demo.{number}", FILE) for number in range(3)])
    assert (await linking.redeem_former(account.account_id, "demo.0", PASSWORD)).status_code == 201
    newer = hashed("plus récent", b"othersalt")
    lines = [
        credential("demo.0", FILE), credential("demo.1", FILE), credential("demo.2", FILE, hash=newer),
        credential("demo.3", FILE), credential("demo.4", FILE, hash="?"),
    ]  # fmt: skip
    repeated = [credential("demo.3", FILE), credential("demo.3", FILE, hash=newer)]

    async def rows() -> list[int]:
        tables = ("former_credentials", "former_credential_files", "audit")
        return [await linking.unit.pool.fetchval(f"select count(*) from {table}") for table in tables]

    before = await rows()
    foretold = {"redeemed": 1, "unchanged": 1, "changed": 1, "created": 1, "rejected": 1}
    assert await bring_in(linking, tmp_path, *lines, rehearsal=Rehearsal()) == foretold
    told = await bring_in(linking, tmp_path, lines[3], *repeated, rehearsal=Rehearsal())
    assert told == {"created": 1, "unchanged": 1, "changed": 1}
    assert await rows() == before
    assert await bring_in(linking, tmp_path, *lines) == foretold


async def test_what_is_rejected_is_told_by_line_and_reason_and_without_its_content(
    linking: Linking, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "extract.csv"
    file.write_text(
        "user_name,hash,files\n"
        f"demo.un,{hashed()},3000001 employer:1000001:3000002\n"
        "demo.deux,5f4dcc3b5aa765d61d8327deb882cf99,3000001\n"
        f"demo.trois,{hashed()},\n"
        f"demo.quatre,{hashed()},employer:1000001:pas-un-numero\n",
        encoding="utf-8",
    )
    outcomes = await import_file(linking.unit, method_of(linking), file)
    assert outcomes == {"created": 1, "rejected": 3}
    told = capsys.readouterr().err
    assert [line.split(" ")[0] for line in told.splitlines()] == ["extract.csv:3:", "extract.csv:4:", "extract.csv:5:"]
    assert "in no scheme that is taken" in told
    assert "demo." not in told and "5f4d" not in told and "pas-un" not in told
    files = await linking.unit.pool.fetch("select * from former_credential_files order by client_number")
    assert [(row["client_number"], row["organization_kind"], row["organization_number"]) for row in files] == [
        ("3000001", None, None),
        ("3000002", "employer", "1000001"),
    ]


async def test_a_client_number_alone_stands_for_the_clients_file_in_whichever_organization_has_one(
    linking: Linking, tmp_path: Path
) -> None:
    here, there, account = an_organization(), an_organization(number="5000002"), an_account()
    await linking.send(here, there, a_contact(here), a_contact(there), account)
    await bring_in(linking, tmp_path, credential("demo", FILE))
    answer = await linking.redeem_former(account.account_id, "demo", PASSWORD)
    assert sorted(p["organization"]["number"] for p in answer.json()["profiles"]) == ["5000001", "5000002"]


async def test_a_number_of_another_kind_of_organization_is_another_organization(
    linking: Linking, tmp_path: Path
) -> None:
    firm, employer, account = an_organization(), an_organization(kind="employer"), an_account()
    await linking.send(firm, employer, a_contact(firm), a_contact(employer), account)
    named = FILE | {"organization": {"kind": "employer", "number": "5000001"}}
    await bring_in(linking, tmp_path, credential("demo", named))
    answer = await linking.redeem_former(account.account_id, "demo", PASSWORD)
    [profile] = answer.json()["profiles"]
    assert profile["organization"]["organization_id"] == str(employer.organization_id)


async def test_the_demonstrations_credentials_are_taken(linking: Linking) -> None:
    outcomes = await import_file(linking.unit, method_of(linking), CCQ / "demo" / "former-credentials.ndjson")
    assert set(outcomes) == {"created"}


@pytest.mark.parametrize(("created", "words"), [(0, "0 credentials"), (1, "1 credential"), (2, "2 credentials")])
def test_what_was_counted_is_said_in_words_that_agree(created: int, words: str) -> None:
    outcomes: Counter[Outcome] = Counter({"created": created})
    assert summary(outcomes, dry_run=False).startswith(f"{words} read = {created} created + 0 changed")
