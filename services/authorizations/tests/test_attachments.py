"""Files that go with a form: what they are is told from their bytes, they rest encrypted, and agents alone see them."""

import struct
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zlib import compress, crc32

import httpx
import pytest
from uuid_utils.compat import uuid7

from contracts.linking import ProfileLinked
from services.authorizations.attachments.chores import forget_past
from services.authorizations.attachments.domain import format_of
from services.authorizations.bindings.handlers import follow_link
from services.authorizations.tests.conftest import TEST, Firm, Someone


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc32(kind + content))


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + _chunk(b"IDAT", compress(b"\0\0"))
    + _chunk(b"IEND", b"")
)
PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\nstartxref\n9\n%%EOF\n"
JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x0b\x08\x00\x01\x00\x01\x01\x01\x11\x00\xff\xda\x00\x02data\xff\xd9"


async def _upload(
    firm: Firm, content: bytes = PDF, kind: str = "application/pdf", by: Someone | None = None
) -> httpx.Response:
    told = (by or firm.responsible).headers | {"Content-Type": kind}
    return await firm.client.post("/v1/attachments", content=content, headers=told)


async def _kept(firm: Firm, content: bytes = PDF) -> str:
    answer = await _upload(firm, content)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["attachment_id"])


async def _used(firm: Firm, content: bytes = PDF) -> tuple[str, str]:
    """An attachment of a contact, and the contact."""
    attachment_id = await _kept(firm, content)
    added = await firm.add_member(attachments=[attachment_id])
    assert added.status_code == 201, added.text
    return attachment_id, str(added.json()["contact_id"])


async def _agent_opens(firm: Firm, attachment_id: str) -> httpx.Response:
    return await firm.client.get(f"/v1/attachments/{attachment_id}", headers=firm.agent)


@pytest.mark.parametrize(("content", "format"), [(PDF, "pdf"), (JPEG, "jpeg"), (PNG, "png")])
def test_a_format_is_told_from_the_bytes(content: bytes, format: str) -> None:
    assert format_of(content) == format


@pytest.mark.parametrize(
    "content",
    [
        b"", b"hello", b"<html>%PDF-1.7 startxref %%EOF", b"%PDF-9.9\nstartxref\n%%EOF", PDF[:-8], PNG[:-4],
        PNG + b"<script>", PNG.replace(b"IHDR", b"IHDX"), JPEG[:-2], JPEG.replace(b"\xff\xc0", b"\xff\xe1"),
        b"\xff\xd8\xff\xd9", b"GIF89a", b"MZ\x90\0",
    ],
    ids=range(13),
)  # fmt: skip
def test_what_is_cut_off_lengthened_or_only_named_so_is_none_of_the_three(content: bytes) -> None:
    assert format_of(content) is None


@pytest.mark.parametrize(("content", "kind"), [(b"MZ\x90\0", "application/pdf"), (b"<html></html>", "image/png")])
async def test_a_file_whose_content_is_not_what_it_says_is_refused(firm: Firm, content: bytes, kind: str) -> None:
    refused = await _upload(firm, content, kind)
    assert (refused.status_code, refused.json()["code"]) == (415, "attachment_format_refused")


async def test_the_size_is_bounded_while_it_comes(firm: Firm) -> None:
    largest = firm.opened.tools.agency.attachment_rule.largest_bytes
    refused = await _upload(firm, b"\0" * (largest + 1))
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
    scan = PDF.replace(b"endobj", b"%" + b"x" * 200_000 + b"\nendobj")  # larger than any form may be
    assert (await _upload(firm, scan)).status_code == 201


async def test_an_agent_gets_the_file_as_it_was_as_a_download_and_the_look_is_audited(firm: Firm) -> None:
    attachment_id, contact_id = await _used(firm, PNG)
    listed = await firm.client.get(f"/v1/attachments?object_id={contact_id}", headers=firm.agent)
    assert [(a["attachment_id"], a["media_type"], a["size"]) for a in listed.json()["items"]] == [
        (attachment_id, "image/png", len(PNG))
    ]
    opened = await _agent_opens(firm, attachment_id)
    assert opened.content == PNG
    assert opened.headers["content-disposition"] == f'attachment; filename="{attachment_id}.png"'
    assert (opened.headers["content-type"], opened.headers["x-content-type-options"]) == ("image/png", "nosniff")
    looks = await firm.opened.unit.pool.fetch(
        "select organization_id, actor_kind from audit where action = 'attachment_viewed' and object_id = $1",
        UUID(attachment_id),
    )
    assert [tuple(row) for row in looks] == [(firm.firm_id, "agent")]


async def test_nobody_but_agents_sees_a_file_not_even_who_sent_it(firm: Firm) -> None:
    attachment_id, contact_id = await _used(firm)
    for path in (f"/v1/attachments/{attachment_id}", f"/v1/attachments?object_id={contact_id}"):
        refused = await firm.client.get(path, headers=firm.responsible.headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "wrong_kind_of_caller")


async def test_the_content_rests_encrypted(firm: Firm) -> None:
    attachment_id = await _kept(firm)
    row = await firm.opened.unit.pool.fetchrow(
        "select * from attachments where attachment_id = $1::uuid", attachment_id
    )
    assert row is not None and row["content"].count(".") == 4
    assert b"Catalog" not in row["content"].encode() and firm.opened.tools.vault.unlock(row["content"]) == PDF


async def test_a_file_goes_with_one_form_and_no_other(firm: Firm) -> None:
    attachment_id, _ = await _used(firm)
    again = await firm.add_member(attachments=[attachment_id])
    assert (again.status_code, again.json()["code"]) == (422, "unknown_attachment")


async def test_a_refused_form_leaves_its_files_to_be_used(firm: Firm) -> None:
    attachment_id = await _kept(firm)
    assert (await firm.add_member(attachments=[attachment_id], attestations=[])).status_code == 422
    assert (await firm.add_member(attachments=[attachment_id])).status_code == 201


async def test_files_go_with_a_request_and_with_a_delegation_too(firm: Firm) -> None:
    first, second = await _kept(firm), await _kept(firm)
    asked = await firm.add_member(attachments=[first], client_number="3900001")
    member = await firm.member()
    made = await firm.delegate(member.contact_id, firm.clients["ENTREPRISE SHW INC."], attachments=[second])
    for attachment_id, object_id in ((first, asked.json()["request_id"]), (second, made.json()["relation_id"])):
        listed = await firm.client.get(f"/v1/attachments?object_id={object_id}", headers=firm.agent)
        assert [found["attachment_id"] for found in listed.json()["items"]] == [attachment_id]


async def _files_of(firm: Firm, object_id: object) -> list[str]:
    listed = await firm.client.get(f"/v1/attachments?object_id={object_id}", headers=firm.agent)
    return [found["attachment_id"] for found in listed.json()["items"]]


async def test_files_go_with_a_correction_and_with_a_removal(firm: Firm) -> None:
    contact_id = (await firm.add_member()).json()["contact_id"]
    path, kept = f"/v1/contacts/{contact_id}", [await _kept(firm), await _kept(firm, PNG)]
    version = (await firm.client.get(path, headers=firm.responsible.headers)).headers["etag"]
    body = {
        "given_name": "Autre", "attachments": kept[:1], "attestations": await firm.attestations("correction"),
    }  # fmt: skip
    corrected = await firm.client.patch(path, json=body, headers=firm.responsible.headers | {"If-Match": version})
    assert (corrected.status_code, await _files_of(firm, contact_id)) == (200, kept[:1])
    assert (await firm.remove(UUID(contact_id), attachments=kept[1:], preview=True)).status_code == 200
    assert await _files_of(firm, contact_id) == kept[:1]
    assert (await firm.remove(UUID(contact_id), attachments=kept[1:])).status_code == 200
    assert await _files_of(firm, contact_id) == kept


async def test_a_correction_that_is_refused_leaves_its_files_to_be_used(firm: Firm) -> None:
    contact_id = (await firm.add_member()).json()["contact_id"]
    path, attachment_id = f"/v1/contacts/{contact_id}", await _kept(firm)
    version = (await firm.client.get(path, headers=firm.responsible.headers)).headers["etag"]
    headers = firm.responsible.headers | {"If-Match": version}
    body: dict[str, Any] = {"given_name": "Autre", "attachments": [attachment_id], "attestations": []}
    refused = await firm.client.patch(path, json=body, headers=headers)
    assert (refused.json()["code"], await _files_of(firm, contact_id)) == ("attestation_missing", [])
    body["attestations"] = await firm.attestations("correction")
    assert (await firm.client.patch(path, json=body, headers=headers)).status_code == 200


async def test_files_go_with_subjects_that_are_added_later(firm: Firm) -> None:
    added, attachment_id = await firm.add_member(), await _kept(firm)
    relation_id = added.json()["relations"][0]["relation_id"]
    body = {
        "subjects": [{"subject": "workforce", "level": "read"}], "attachments": [attachment_id],
        "attestations": await firm.attestations("addition"),
    }  # fmt: skip
    path = f"/v1/relations/{relation_id}/rights"
    widened = await firm.client.post(path, json=body, headers=firm.responsible.headers)
    assert (widened.status_code, await _files_of(firm, relation_id)) == (201, [attachment_id])


async def test_a_form_that_takes_no_files_refuses_them(firm: Firm) -> None:
    client = firm.clients["ENTREPRISE SHW INC."]
    manager = await firm.link(await firm.contact("3000003"))
    body = {
        "subjects": [{"subject": "profile", "level": "write"}], "attachments": [str(uuid4())],
        "attestations": await firm.attestations("representation"), "starts_on": "2099-01-01",
    }  # fmt: skip
    path = f"/v1/relations/{await firm.through(client)}"
    await firm.client.post(
        f"{path}/end",
        json={"subjects": ["profile"], "attestations": await firm.attestations("representation_end")},
        headers=manager.headers,
    )
    refused = await firm.client.post(f"{path}/rights", json=body, headers=manager.headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "attachments_not_taken")


async def test_another_persons_file_and_too_many_are_refused(firm: Firm) -> None:
    other = await firm.link(UUID((await firm.add_member(type="responsible_person")).json()["contact_id"]))
    theirs = (await _upload(firm, by=other)).json()["attachment_id"]
    for wrong in (theirs, str(uuid4())):
        refused = await firm.add_member(attachments=[wrong])
        assert (refused.status_code, refused.json()["code"]) == (422, "unknown_attachment")
    refused = await firm.add_member(attachments=[str(uuid4()) for _ in range(6)])
    assert (refused.status_code, refused.json()["code"]) == (422, "too_many_attachments")


async def test_a_file_belongs_to_the_profile_through_which_it_was_sent(firm: Firm) -> None:
    client_id, own = firm.clients["ENTREPRISE SHW INC."], await firm.contact("3000003")
    linked = ProfileLinked(
        link_id=uuid7(), account_id=firm.responsible.account_id, contact_id=own, organization_id=client_id,
        method="linking_coordinates", linked_at=datetime.now(UTC) - timedelta(hours=1),
    )  # fmt: skip
    await firm.opened.unit.run(follow_link, linked, TEST)
    other = Someone(firm.responsible.account_id, own, firm.responsible.headers | {"Mandat-Profile": str(own)})
    sent = await _upload(firm, by=other)
    assert sent.status_code == 201, sent.text
    refused = await firm.add_member(attachments=[sent.json()["attachment_id"]])
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_attachment")


async def test_only_those_who_send_forms_upload_and_so_many_an_hour(firm: Firm) -> None:
    member = await firm.member()
    refused = await _upload(firm, by=member)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    await _kept(firm)
    await firm.opened.unit.pool.execute(  # in a window that does not end while this test runs
        "update limits set spent = 60, window_start = window_start + interval '1 hour'"
        " where name = 'attachments_per_account'"
    )
    refused = await _upload(firm)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")


@pytest.mark.parametrize(
    ("change", "stays"),
    [
        ("uploaded_at = now() - interval '25 hours'", False),
        ("uploaded_at = now() - interval '23 hours'", True),
        ("object_id = gen_random_uuid(), used_at = now() - interval '731 days'", False),
        ("object_id = gen_random_uuid(), used_at = now() - interval '729 days'", True),
    ],
    ids=["unused a day", "unused less", "used two years ago", "used less"],
)
async def test_a_file_past_its_time_is_neither_used_nor_shown_and_then_deleted(
    firm: Firm, change: str, stays: bool
) -> None:
    attachment_id = await _kept(firm)
    pool: Any = firm.opened.unit.pool
    await pool.execute(f"update attachments set {change}")
    if "used_at" in change:
        assert ((await _agent_opens(firm, attachment_id)).status_code == 200) == stays
    elif not stays:
        assert (await firm.add_member(attachments=[attachment_id])).json()["code"] == "unknown_attachment"
    await forget_past(firm.opened.unit)
    assert await pool.fetchval("select count(*) from attachments") == stays
