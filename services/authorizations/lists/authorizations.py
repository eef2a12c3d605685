"""The list of authorizations. A firm of 500 members and 1,500 clients has millions of rows, so none are put in order.

They are walked instead: holder by holder (the organization itself first, then contacts by name), a holder's relations
by the name of the organization acted for, and only then, relation by relation, the one query with its chain.
PostgreSQL stops where the page is full. Where the reader orders by a column of few values, the walk is done once for
each; where by organization, it goes the other way round. What a filter leaves is reached by index.
"""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from chassis.pages import Listing
from services.authorizations.access.domain import Moment
from services.authorizations.access.storage import ENTITLEMENTS, IN_FORCE
from services.authorizations.dated import known
from services.authorizations.lists.counting import Count
from services.authorizations.lists.filters import ACTED_FOR, HOLDERS, Filters
from services.authorizations.lists.storage import Columns, Narrow, Order, also

Column = Literal["contact", "subject", "level", "organization", "holder_organization", "function", "active"]
LEVELS, NO_AND_YES = ("read", "write"), ("false", "true")

# What a row shows in a column of few values, as text.
VALUES = {
    "subject": "e.subject",
    "level": "e.level::text",
    "function": "case when e.holder_kind = 'contact' then e.function else '' end",
    "active": f"({IN_FORCE})::text",
}

# Of a holder h either its whole relations, or `only` those for some organizations.
BY_HOLDER = f"""
select h.*, r.relation_id, r.organization_id, r.organization_name
from ({{holders}}) h
cross join lateral (
    select r.relation_id, r.organization_id, o.sorted_name as organization_name
    from (
        select * from relations r where h.whole and r.holder_id = h.holder_id and {known("r")}
        union all
        select * from relations r
        where not h.whole and r.holder_id = h.holder_id and r.organization_id = any(h.only) and {known("r")}
    ) r
    join personal_fields o on o.owner_id = r.organization_id
    where (h.own or r.organization_id = $4) {{of_relation}} /* named: r.relation_id */ {{within}}
) r
{{ordered}}
"""

# Of an organization g likewise either the whole relations, or those of some holders.
BY_ORGANIZATION = f"""
select g.organization_name, g.organization_id, r.place, r.holder_name, r.holder_id, r.relation_id
from ({{organizations}}) g
cross join lateral (
    select (r.holder_kind = 'contact')::int as place, h.sorted_name as holder_name, r.holder_id, r.relation_id
    from (
        select * from relations r where g.whole and r.organization_id = g.organization_id and {known("r")}
        union all
        select * from relations r
        where not g.whole and r.organization_id = g.organization_id and r.holder_id = any(g.only) and {known("r")}
    ) r
    join personal_fields h on h.owner_id = r.holder_id
    where $4 in (r.organization_id, r.holder_organization_id) {{of_relation}} /* named: r.relation_id */ {{within}}
) r
{{ordered}}
"""

CHAINS = f"""
select {{columns}}, c.relation_id, e.right_id, e.subject, e.level::text as level, e.valid, e.function,
    e.holder_organization_id as firm_id, e.holder_kind = 'contact' as by_contact, ({IN_FORCE}) as active,
    (select q.request_id from requests q where q.request_id = e.request_id and q.kind = 'mandate') as mandate_id
from ({{walked}}) c
join ({ENTITLEMENTS}) e on e.relation_id = c.relation_id
where e.delegable {{of_row}}
"""

# Which relations, where not all of a holder's: of firms and their members those for this organization; of its own
# people those that a filter leaves.
ONLY = """case when not h.own then array[$4::uuid] when h.place = 1 and not ({delegable})
    then array[h.holder_organization_id] else {matching} end"""

# A holder is walked only for the functions that it ever had, which are looked up once.
WITH_FUNCTIONS = f"""
select h.*, case when h.place = 0 then array[''] else array(
    select m.type from relations m where m.holder_id = h.holder_id and m.organization_id = h.holder_organization_id
        and {known("m")}
) end as functions from ({HOLDERS}) h offset 0
"""

HOLDER: Columns = (("place", "int"), ("holder_name", "text"), ("holder_id", "uuid"))
ORGANIZATION: Columns = (("organization_name", "text"), ("organization_id", "uuid"))
LEADING: Mapping[str, Columns] = {
    "contact": (*HOLDER, *ORGANIZATION),
    "organization": (*ORGANIZATION, *HOLDER),
    "holder_organization": (("firm_name", "text"), ("holder_organization_id", "uuid"), *HOLDER, *ORGANIZATION),
} | dict.fromkeys(VALUES, (("rank", "int"), *HOLDER, *ORGANIZATION))


def authorizations(moment: Moment, organization_id: UUID, narrow: Narrow, order: Order) -> Listing:
    """Rows where the organization is acted for, or where it or one of its contacts holds."""
    query, arguments = _Walk(moment, organization_id, narrow).ordered(order)
    return Listing(
        query,
        arguments,
        (*LEADING[order.column], ("relation_id", "uuid"), ("subject", "text"), ("right_id", "uuid")),
        naming=("relation_id", "right_id"),
        descending=order.descending,
        walked=True,
        counted=Count(moment, organization_id, narrow).query(),
    )


class _Walk(Filters):
    """One query that yields the rows in the reader's order."""

    def ordered(self, order: Order) -> tuple[str, list[Any]]:
        """The rows in the reader's order."""
        of_row = also(
            f"e.subject = {self.subject}" if self.subject else None,
            None if self.active is None else f"({IN_FORCE}) = {self.active}",
            f"{VALUES[order.column]} = c.value" if order.column in VALUES else None,
        )
        if order.column == "subject":
            self.delegable = "h.value = any($3)"
        walked = self._by_organization(order) if order.column == "organization" else self._by_holder(order)
        columns = ", ".join(f"c.{name}" for name, _ in LEADING[order.column])
        return self.asked(CHAINS.format(columns=columns, walked=walked, of_row=of_row))

    def _by_holder(self, order: Order) -> str:
        leading = [name for name, _ in LEADING[order.column]]
        of_holder, of_relation = leading[:-2], ["o.sorted_name", "r.organization_id", "r.relation_id"]
        begins = [f"h.{name}" for name in of_holder]
        driving = ", ".join(begins)
        return BY_HOLDER.format(
            holders=f"select * from ({self._holders(order)}) h where true /* begins: {driving} */"
            f" order by {order.by(*begins)}",
            of_relation=self._of_relation("h.holder_name", "o.sorted_name"),
            within=f"/* begins: {', '.join([*begins, *of_relation])} */ order by {order.by(*of_relation)}",
            ordered=f"order by {order.by(*begins, 'r.organization_name', 'r.organization_id', 'r.relation_id')}",
        )

    def _by_organization(self, order: Order) -> str:
        of_organization = ["g.organization_name", "g.organization_id"]
        of_relation = ["(r.holder_kind = 'contact')::int", "h.sorted_name", "r.holder_id", "r.relation_id"]
        if self.contacts:
            whole, only = "false", self.contacts
        else:
            whole, only = self.matches("g.organization_name"), self.looked_up(self.named_holders)
        named = also(f"g.organization_id = {self.organization}" if self.organization else None)
        return BY_ORGANIZATION.format(
            organizations=f"select g.*, {whole} as whole, {only} as only from ({ACTED_FOR}) g"
            f" where true {named} /* begins: {', '.join(of_organization)} */ order by {order.by(*of_organization)}",
            of_relation=self._of_relation("h.sorted_name", "g.organization_name"),
            within=f"/* begins: {', '.join([*of_organization, *of_relation])} */ order by {order.by(*of_relation)}",
            ordered="order by "
            + order.by(*of_organization, "r.place", "r.holder_name", "r.holder_id", "r.relation_id"),
        )

    def _holders(self, order: Order | None = None) -> str:
        """Whose relations are walked, and which of them."""
        delegable = self.delegable.replace("h.value", "ranked.value")
        holders, column, joined, pruned = HOLDERS, "", "", None
        if order is not None and order.column == "holder_organization":
            column = ", firm.sorted_name as firm_name"
            joined = "join personal_fields firm on firm.owner_id = h.holder_organization_id"
        elif order is not None and order.column in VALUES:
            column = ", ranked.value, ranked.rank::int as rank"
            ranks = self.arguments.add(order.ranks, "text[]")
            joined = f"cross join unnest({ranks}) with ordinality as ranked (value, rank)"
            if order.column == "function":
                holders, pruned = WITH_FUNCTIONS, "ranked.value = any(h.functions)"
        if self.organization:
            whole, only = "false", f"array[{self.organization}]"
        else:
            whole = f"h.own and {self.matches('h.holder_name')} and (h.place = 0 or {delegable})"
            only = ONLY.format(
                delegable=delegable,
                matching=self.looked_up(self.named_organizations),
            )
        of_holder = also(f"h.holder_id = any({self.contacts})" if self.contacts else None, pruned)
        return (
            f"select h.*, {whole} as whole, {only} as only {column} from ({holders}) h {joined} where true {of_holder}"
        )

    def _of_relation(self, holder: str, organization: str) -> str:
        return also(
            f"r.organization_id = {self.organization}" if self.organization else None,
            f"r.holder_id = any({self.contacts})" if self.contacts else None,
            None if self.delegable == "true" else f"({self.delegable} or r.through is null)",
            f"({self.matches(holder)} or {self.matches(organization)})" if self.words else None,
        )
