"""A portion judged against what stands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from chassis.database import Connection
from contracts.extract import ContactRow
from services.authorizations.imports import duplicates, staging, storage
from services.authorizations.imports.domain import Judge, Judged, OrganizationKey, Portion, Staged
from services.authorizations.imports.reading import Defect
from services.authorizations.imports.staging import ImportRow
from services.authorizations.imports.storage import Standing
from services.authorizations.imports.turns import by_turns
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Judging:
    """What a portion is judged by: the agency's data and its legal day, and where new ids come from."""

    tools: Tools
    today: date
    new_id: Callable[[], UUID]

    async def judge(
        self, connection: Connection, found: ImportRow, portion: Portion, standing: Mapping[OrganizationKey, Standing]
    ) -> Judged:
        """What the portion comes to where these of the organizations that it names stand."""
        known = await storage.known(connection, {key: one.organization_id for key, one in standing.items()}, portion)
        if found.dry_run:
            earlier = await staging.judged_well(connection, found, portion)
            Judge(self.tools.agency, self.today, known, self.new_id).judge(earlier.rows)
        judge = Judge(self.tools.agency, self.today, known, self.new_id)
        async for staged in by_turns(portion.rows):
            judge.judge([staged])
        judge.judged.defects += await self._resemblances(connection, judge.judged)
        return judge.judged

    async def _resemblances(self, connection: Connection, judged: Judged) -> list[tuple[Staged, Defect]]:
        newcomers = [(contact_id, home, row) for contact_id, (home, row) in contact_rows(judged).items()]
        made = {organization_id for organization_id, _ in judged.new_organizations}
        homes = {home for _, home, _ in newcomers} - made
        return [
            (judged.new_contacts[like.contact_id][1], _resembles(like))
            for like in await duplicates.find(connection, self.tools.matcher, newcomers, homes)
        ]


def contact_rows(judged: Judged) -> dict[UUID, tuple[UUID, ContactRow]]:
    """The new contacts: the organization and the row of each."""
    found = {}
    for contact_id, (home, staged) in judged.new_contacts.items():
        assert isinstance(staged.row, ContactRow)
        found[contact_id] = (home, staged.row)
    return found


def _resembles(like: duplicates.Resemblance) -> Defect:
    return Defect("possible_duplicate", {"client_number": like.client_number, "score": f"{like.score:.2f}"}, False)
