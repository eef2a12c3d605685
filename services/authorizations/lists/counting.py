"""How many authorizations there are. Counting needs no order, so it goes another way than the walk that shows them.

What thousands of rows share is looked up once: delegations are counted through by through, each of which says for all
of its delegations whether it stands and how many rights they carry. The links are those of the one query
(`access.storage`); tests/test_lists_made_up.py holds both against a naive reading.
"""

from typing import Any

from services.authorizations.access.storage import OF_FIRM, active, in_force, known
from services.authorizations.lists.filters import HOLDERS, Filters
from services.authorizations.lists.storage import also

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

# Each right of each delegation. Of delegations of everything only their number is told: those in force come first.
DELEGATIONS = f"""
select {{holds}} as holds, carried.holds as right_holds
from (
    select t.relation_id, t.organization_id, carries.*, {{through_holds}} as holds, {{whole}} as whole
    from ({THROUGHS}) t
    cross join lateral (
        select count(*) as rights, count(*) filter (where {{held_holds}}) as in_force from rights held
        where held.relation_id = t.relation_id and held.subject = any($3::text[]) and {known("held")} {{of_right}}
    ) carries
    {{named}} where true {{of_through}} offset 0
) t
cross join lateral ({{relations}}) r
cross join lateral (
    select generate_series(1, t.rights) <= t.in_force as holds where r.all_rights
    union all
    select {{narrowed_holds}} from rights held
    where not r.all_rights and held.relation_id = r.relation_id and held.subject = any($3::text[]) and {known("held")}
        {{of_right}}
) carried
where true {{of_relation}}
"""
DELEGATIONS_OF = f"""
select * from relations r
where {{which}} and r.organization_id = t.organization_id and r.through = t.relation_id and {known("r")}
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
select r.*, {{holds}} as holds
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
        relations, whole, concerned = DELEGATIONS_OF.format(which="t.whole"), "true", None
        if self.words:
            whole, matching = self.matches("o.sorted_name"), self.matching("h.holder_id", "h.holder_name", HOLDERS)
            relations += f" union all {DELEGATIONS_OF.format(which=f'not t.whole and r.holder_id = any({matching})')}"
            concerned = f"({whole} or {matching} <> '{{}}')"
        return DELEGATIONS.format(
            through_holds=self._if_asked(in_force("t"), active("t.organization_id"), active("t.holder_id")),
            holds=self._if_asked("t.holds", in_force("r"), f"r.membership in ({MEMBERSHIPS})"),
            held_holds=self._if_asked(in_force("held")),
            narrowed_holds=self._if_asked(
                in_force("held"), f"coalesce((select true {OF_FIRM} and {in_force('f')} limit 1), false)"
            ),
            whole=whole,
            named="join personal_fields o on o.owner_id = t.organization_id" if self.words else "",
            relations=relations,
            of_through=also(
                f"t.organization_id = {self.organization}" if self.organization else None,
                concerned,
            ),
            of_relation=self._of_contacts,
            of_right=self._of_right,
        )

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
            holds=self._if_asked(in_force("r"), active("r.organization_id"), active("r.holder_organization_id")),
            named=named,
            of_relation=self._of_contacts
            + also(
                f"r.organization_id = {self.organization}" if self.organization else None,
                f"({self.matches('h.sorted_name')} or {self.matches('o.sorted_name')})" if self.words else None,
            ),
        )
