"""What a process of this service looks at before it serves."""

import pytest

from chassis.database import SERVER_SETTINGS
from services.authorizations import app
from tests.fixtures.gateway import OpenService


async def test_a_process_starts_however_long_it_takes_to_see_which_codes_are_in_use(
    open_service: OpenService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SERVER_SETTINGS, "statement_timeout", "1s")
    slow = "with slow as materialized (select pg_sleep(1.3)) select 'profile' from slow"
    monkeypatch.setattr(app, "CODES_IN_USE", {"subjects": slow})
    opened = await open_service(app.service)
    assert await opened.unit.pool.fetchval("show statement_timeout") == "1s"
