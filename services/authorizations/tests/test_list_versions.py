"""The version of an organization's list, which a confirmation of it names."""

from uuid import uuid4

from services.authorizations.notices.storage import list_version
from services.authorizations.tests.conftest import Firm

SHW = "ENTREPRISE SHW INC."

COUNTED = """
with listed as (
    select * from relations
    where holder_organization_id = $1 or organization_id = $1 and holder_kind = 'organization'
)
select (select count(*) from listed)
    + (select count(*) from rights where relation_id in (select relation_id from listed))
"""


async def test_a_lists_version_rises_with_each_version_of_a_relation_or_right_and_with_nothing_else(firm: Firm) -> None:
    pool, client_id = firm.opened.unit.pool, firm.clients[SHW]

    async def versions() -> list[int]:
        async with pool.acquire() as connection:
            found = [await list_version(connection, owner) for owner in (firm.firm_id, client_id, uuid4())]
        assert found == [await pool.fetchval(COUNTED, owner) for owner in (firm.firm_id, client_id)] + [0]
        return found[:2]

    imported = await versions()  # by COPY
    assert min(imported) > 0
    member = await firm.member()
    joined = await versions()
    await firm.delegate(member.contact_id, client_id, subjects=[{"subject": "profile", "level": "read"}])
    delegated = await versions()
    await firm.remove(member.contact_id)
    removed = await versions()
    assert imported[0] < joined[0] < delegated[0] < removed[0]
    assert imported[1] == removed[1]
    employer = await firm.link(await firm.contact("3000003"))
    ended = await firm.client.post(
        f"/v1/relations/{await firm.through(client_id)}/end",
        json={"attestations": await firm.attestations("representation_end")},
        headers=employer.headers,
    )
    assert ended.status_code == 200, ended.text
    both = await versions()
    assert both[0] > removed[0] and both[1] > removed[1]
