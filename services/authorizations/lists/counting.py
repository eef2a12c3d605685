"""How many authorizations there are. Counting needs no order, so it goes another way than the walk that shows them.

What thousands of rows share is looked up once: delegations are counted through by through, each of which says for all
of its delegations whether it stands and how many rights they carry. The links are those of the one query
(`access.storage`); tests/test_lists_made_up.py holds both against a naive reading.
"""

from typing import Any

from services.authorizations.dated import in_force, known
from services.authorizations.lists.filters import HOLDERS, Filters
from services.authorizations.lists.storage import also
from services.authorizations.statuses import active

# The subjects of a delegation are delegable ones. Arguments go by number, so each must be named.
COUNTED = f"""
select {{counts}} as counts from ({{delegations}}) r
union all
select {{own_counts}} from ({{own}}) r join rights held on held.relation_id = r.relation_id
where {known("held")} {{of_right}} and ($1::timestamptz, $2::date, $3::text[]) is not null
"""

# Relations that firms hold: the organization's own, and those of others to it.
THROUGHS = f"""
select * from relations t where t.holder_id = $4 and {known("t")}
union all
select * from relations t where t.organization_id = $4 and t.holder_kind = 'organization' and {known("t")}
"""

# How many rights to delegable subjects a firm's relation carries, how many of them in force, and to which subjects.
CARRIES = f"""
select count(*) as rights {{in_force}} from rights held
where held.relation_id = t.relation_id and held.subject = any($3::text[]) and {known("held")} {{of_right}}
"""

# Each right of each delegation, through by through: first of those of everything, of whose rights only the number is
# told, those in force before the others; then of those with rights of their own, which hold while the firm has one to
# the same subject.
BY_THROUGH = f"""
with t as materialized (
    select t.relation_id, t.organization_id, {{through_holds}} as holds, carries.*
    from ({THROUGHS}) t {{named}} cross join lateral ({{carries}}) carries where true {{of_through}}
)
select {{holds}} as holds, carried.holds as right_holds
from t join relations r on r.organization_id = t.organization_id and r.through = t.relation_id
cross join lateral ({{of_everything}}) carried
where r.all_rights and {known("r")}
union all
select {{holds}}, {{narrowed_holds}}
from t join relations r on r.organization_id = t.organization_id and r.through = t.relation_id
join rights held on held.relation_id = r.relation_id
where not r.all_rights and {known("r")} and held.subject = any($3::text[]) and {known("held")} {{of_right}}
"""

# The same, holder by holder, where they are few.
BY_HOLDER = f"""
select {{holds}} as holds, carried.holds as right_holds
from relations r
join lateral (
    select t.relation_id, {{through_holds}} as holds from relations t
    where t.relation_id = r.through and {known("t")} and $4 in (t.holder_id, t.organization_id) offset 0
) t on true
{{named}}
cross join lateral ({{carries}}) carries
cross join lateral (
    select * from ({{of_everything}}) everything where r.all_rights
    union all
    select {{narrowed_holds}} from rights held
    where not r.all_rights and held.relation_id = r.relation_id and held.subject = any($3::text[]) and {known("held")}
        {{of_right}}
) carried
where r.holder_id = any({{holders}}) and {known("r")} {{of_relation}}
"""

# The memberships in force of the organization's people, and of those of firms that act for it: read once, into a hash.
MEMBERSHIPS = f"""
select m.relation_id from relations m
where m.organization_id = $4 and m.through is null and {known("m")} and {in_force("m")}
union all
select m.relation_id from relations d join relations m on m.relation_id = d.membership
where d.organization_id = $4 and d.membership is not null and {known("d")} and {known("m")} and {in_force("m")}
"""

# What hangs on nothing: memberships, and what organizations hold.
OWN = f"""
select r.relation_id, {{holds}} as holds
from (
    select * from relations r where r.organization_id = $4 and r.through is null and {known("r")}
    union all
    select * from relations r where r.holder_id = $4 and {known("r")}
) r
{{named}} where true {{of_relation}} offset 0
"""


class Count(Filters):
    """One query that yields a row for each authorization, in whatever order, and whether it counts."""

    def query(self) -> tuple[str, list[Any]]:
        """The query and its arguments."""
        return self.asked(
            COUNTED.format(
                counts=self._counts("r.right_holds"),
                own_counts=self._counts(in_force("held")),
                delegations=self._delegations(),
                own=self._own(),
                of_right=self._of_right,
            )
        )

    def _counts(self, right_holds: str) -> str:
        return "true" if self.active is None else f"(r.holds and {right_holds}) = {self.active}"

    @property
    def _of_right(self) -> str:
        return also(f"held.subject = {self.subject}" if self.subject else None)

    def _if_asked(self, *conditions: str) -> str:
        """Links of the chain, where it is asked whether they hold."""
        return "true" if self.active is None else " and ".join(conditions)

    def _delegations(self) -> str:
        if self.delegable == "false":
            return "select true as holds, true as right_holds where false"
        if self.contacts:
            matching = f"r.holder_id = any({self.matching('h.holder_id', 'h.holder_name', HOLDERS)})"
            return self._by_holder(self.contacts, f"({matching} or {self.matches('o.sorted_name')})")
        named = self.matches("o.sorted_name")
        if not self.words:
            return self._by_through(named)
        matching = self.matching("h.holder_id", "h.holder_name", HOLDERS)
        return f"({self._by_through(named)}) union all ({self._by_holder(matching, f'not {named}')})"

    def _by_through(self, named: str) -> str:
        return BY_THROUGH.format(
            of_through=also(
                f"t.organization_id = {self.organization}" if self.organization else None, named if self.words else None
            ),
            of_everything=self._of_everything("t"),
            **self._links("t", "t"),
        )

    def _by_holder(self, holders: str, named: str) -> str:
        return BY_HOLDER.format(
            holders=holders,
            of_relation=also(
                f"r.organization_id = {self.organization}" if self.organization else None, named if self.words else None
            ),
            of_everything=self._of_everything("carries"),
            **self._links("r", "carries"),
        )

    def _of_everything(self, carries: str) -> str:
        if self.active is None:
            return f"select generate_series(1, {carries}.rights) > 0 as holds"
        return f"select generate_series(1, {carries}.rights) <= {carries}.in_force as holds"

    def _links(self, row: str, carries: str) -> dict[str, str]:
        """What both ways have in common. `row` has the organization acted for, `carries` what the firm holds."""
        in_force_of_firm = (
            f", count(*) filter (where {in_force('held')}) as in_force,"
            f" array_agg(held.subject) filter (where {in_force('held')}) as subjects"
        )
        return {
            "through_holds": self._if_asked(in_force("t"), self._both_active("t")),
            "holds": self._if_asked("t.holds", in_force("r"), f"r.membership in ({MEMBERSHIPS})"),
            "narrowed_holds": self._if_asked(
                in_force("held"), f"coalesce(held.subject = any({carries}.subjects), false)"
            ),
            "carries": CARRIES.format(
                in_force="" if self.active is None else in_force_of_firm, of_right=self._of_right
            ),
            "of_right": self._of_right,
            "named": f"join personal_fields o on o.owner_id = {row}.organization_id" if self.words else "",
        }

    @staticmethod
    def _both_active(row: str) -> str:
        """Of a relation: one of its ends is the organization itself, whose status is asked once."""
        other = f"case when {row}.organization_id = $4 then {row}.holder_organization_id else {row}.organization_id end"
        return f"{active('$4')} and {active(f'({other})')}"

    @property
    def _of_contacts(self) -> str:
        return also(f"r.holder_id = any({self.contacts})" if self.contacts else None)

    def _own(self) -> str:
        named = (
            "join personal_fields o on o.owner_id = r.organization_id"
            " join personal_fields h on h.owner_id = r.holder_id"
            if self.words
            else ""
        )
        return OWN.format(
            holds=self._if_asked(in_force("r"), self._both_active("r")),
            named=named,
            of_relation=self._of_contacts
            + also(
                f"r.organization_id = {self.organization}" if self.organization else None,
                f"({self.matches('h.sorted_name')} or {self.matches('o.sorted_name')})" if self.words else None,
            ),
        )
