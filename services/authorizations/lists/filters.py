"""What a query about an organization's authorizations is narrowed by: the parts that the walk and the count share."""

from typing import Any
from uuid import UUID

from services.authorizations.access.domain import Moment
from services.authorizations.access.storage import asking
from services.authorizations.dated import known
from services.authorizations.lists.storage import Arguments, Narrow

# Whose rights the list shows; $4 is the organization whose list it is. Of its own people, and of itself, it sees all
# they may do; of firms that act for it, and of their members, what they may do for it.
HOLDERS = f"""
select c.contact_id as holder_id, 1 as place, p.sorted_name as holder_name, $4::uuid as holder_organization_id,
    true as own
from contacts c join personal_fields p on p.owner_id = c.contact_id where c.organization_id = $4
union all
select p.owner_id, 0, p.sorted_name, p.owner_id, true from personal_fields p where p.owner_id = $4
union all
select other.holder_id, other.place, p.sorted_name, other.holder_organization_id, false
from (
    select distinct r.holder_id, (r.holder_kind = 'contact')::int as place, r.holder_organization_id
    from relations r where r.organization_id = $4 and r.holder_organization_id <> $4 and {known("r")}
) other
join personal_fields p on p.owner_id = other.holder_id
"""

# The same from the other end: for which organizations.
ACTED_FOR = f"""
select o.owner_id as organization_id, o.sorted_name as organization_name from personal_fields o
where o.owner_id in (select r.organization_id from relations r where r.holder_id = $4 and {known("r")} union select $4)
"""


class Filters:
    """One query's arguments, and the filters that concern each of its parts, as SQL."""

    def __init__(self, moment: Moment, organization_id: UUID, narrow: Narrow) -> None:
        """`moment` and `narrow` as the list was asked with; its organization is argument $4."""
        self.moment = moment
        self.arguments = Arguments([moment.at, moment.day, moment.delegable, organization_id])
        add, contacts = self.arguments.add, {found for found in (narrow.own_rows, narrow.contact_id) if found}
        self.contacts = add([] if len(contacts) > 1 else contacts, "uuid[]") if contacts else None
        self.organization = add(narrow.organization_id, "uuid") if narrow.organization_id else None
        self.words = self.arguments.words(narrow.words) if narrow.words else None
        self.subject = add(narrow.subject, "text") if narrow.subject else None
        self.active = narrow.active
        self.delegable = "true" if narrow.subject is None or narrow.subject in moment.delegable else "false"

    def asked(self, query: str) -> tuple[str, list[Any]]:
        """A query of these arguments, over what was known when asked."""
        return asking(self.moment, query, *self.arguments)

    def matches(self, name: str) -> str:
        """Whether a name holds the words."""
        return f"{name} like all ({self.words})" if self.words else "true"

    @property
    def named_holders(self) -> str:
        """The ids of the holders whose name matches."""
        return f"select h.holder_id from ({HOLDERS}) h where {self.matches('h.holder_name')}"

    @property
    def named_organizations(self) -> str:
        """The ids of the organizations acted for whose name matches."""
        return f"select g.organization_id from ({ACTED_FOR}) g where {self.matches('g.organization_name')}"

    def looked_up(self, identities: str) -> str:
        """Those of a query that matches names, looked up once; none where no name is asked for."""
        return f"array({identities})" if self.words else "'{}'::uuid[]"
