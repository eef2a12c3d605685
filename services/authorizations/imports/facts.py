"""What an extract says for linking alone: sealed before it rests anywhere, and compared by a keyed digest."""

from collections.abc import Callable
from dataclasses import replace

from contracts.agency.references import unfit_facts
from contracts.authorizations import OrganizationFacts, ReportedPayroll
from contracts.extract import OrganizationRow
from services.authorizations.imports.reading import Defect, Read, SealedFacts
from services.authorizations.tools import Tools

PURPOSE = "organization_facts"
"""What the digest is for; the digested value names the organization, so that equal facts of two differ."""


def sealing(tools: Tools) -> Callable[[Read], Read]:
    """What each row goes through before it is kept: what linking alone may read is sealed beside it, and in no dump.

    A row whose facts the agency's data have no place for becomes a defect here: afterwards nobody could tell.
    """

    def seal(read: Read) -> Read:
        row = read.found
        if not isinstance(row, OrganizationRow) or (row.payroll is None and row.organization_code is None):
            return read
        if fault := unfit_facts(row, tools.agency):
            keys = {name: getattr(row, name) for name in ("record", "kind", "number")}
            return Read(read.line, read.at, Defect(*fault), keys)
        payroll = row.payroll and ReportedPayroll(year=row.payroll.year, amount=row.payroll.amount)
        facts = OrganizationFacts(payroll=payroll, code=row.organization_code)
        said = f"{row.kind}:{row.number}:{facts.model_dump_json()}"
        return replace(
            read, facts=SealedFacts(tools.sealer.seal("linking", facts), tools.keyring.lookup(PURPOSE, said))
        )

    return seal
