"""How many authorizations there are. Counting needs no order, so it goes another way than the walk that shows them.

What thousands of rows share is looked up once: delegations are counted through by through, each of which says for all
of its delegations whether it stands and how many rights they carry; where they are few, one by one. The links are those
of the one query (`access.storage`), only looked up otherwise where they are shared; tests/test_lists_made_up.py holds
both against a naive reading.
"""

from typing import Any

from services.authorizations.access.storage import HELD, NARROWED, OF_RELATION, OF_RIGHT
from services.authorizations.blocked import blocked_pairs
from services.authorizations.dated import in_force, known
from services.authorizations.lists.filters import Filters
from services.authorizations.lists.storage import active_once, also

# Whose name holds the words is looked up once. (The walk cannot: with this, PostgreSQL would put all of it in order.)
NAMED = """
with named_holders as materialized ({holders}), named_organizations as materialized ({organizations})
"""

# Arguments go by number, so each must be named.
COUNTED = """
{named}
select {counts} as counts from ({rows}) r
where ($1::timestamptz, $2::date, $3::text[]) is not null
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
where held.relation_id = r.relation_id and held.subject = any($3::text[]) and {known("held")} {{of_right}}
"""

# Each right of each delegation, through by through: first of those of everything, of whose rights only the number is
# told, those in force before the others; then of those with rights of their own, which hold while the firm has one to
# the same subject.
BY_THROUGH = f"""
with t as materialized (
    select r.relation_id, r.organization_id, {{through_holds}} as holds, carries.*
    from ({THROUGHS}) r cross join lateral ({{carries}}) carries where true {{of_through}}
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

# What the firm has in force, asked once for a delegation with rights of its own.
FIRM_SUBJECTS = f"""
case when {NARROWED} then array(
    select f.subject from rights f where f.relation_id = r.through and {known("f")} and {in_force("f")}
) end
"""

# Each right of some relations, one relation after the other.
ONE_BY_ONE = f"""
select r.holds, {{right_holds}} as right_holds
from (
    select r.*, {{holds}} as holds, {{firm_subjects}} as firm_subjects
    from ({{relations}}) r where true {{of_relation}} offset 0
) r
{HELD} where {OF_RIGHT["delegable"]} {{of_right}}
"""

# Delegations of some holders, by or for the organization.
DELEGATIONS = f"""
select * from relations r where r.holder_id = any({{holders}}) and r.through is not null and {known("r")}
    and $4 in (r.organization_id, r.holder_organization_id)
"""

# What hangs on nothing: memberships, and what organizations hold.
OWN = f"""
select * from relations r where r.organization_id = $4 and r.through is null and {known("r")}
union all
select * from relations r where r.holder_id = $4 and {known("r")}
"""

# The memberships in force of the organization's people, and of those of firms that act for it: read once, into a hash.
MEMBERSHIPS = f"""
select m.relation_id from relations m
where m.organization_id = $4 and m.through is null and {known("m")} and {in_force("m")}
union all
select m.relation_id from relations d join relations m on m.relation_id = d.membership
where d.organization_id = $4 and d.membership is not null and {known("d")} and {known("m")} and {in_force("m")}
"""

# The same of the relations of firms.
THROUGHS_IN_FORCE = f"select t.relation_id from ({THROUGHS}) t where {in_force('t')}"

# Nobody whom the organization acted for, or the firm, keeps out: those are few, and read once, into a hash.
UNBLOCKED = f"""(
    (r.organization_id, r.holder_id) not in ({blocked_pairs()})
    and (r.holder_organization_id, r.holder_id) not in ({blocked_pairs()})
)"""

# The links of a relation, those that many share looked up once for all.
LINKS = OF_RELATION | {
    "membership_holds": f"(r.membership is null or r.membership in ({MEMBERSHIPS}))",
    "through_holds": f"(r.through is null or r.through in ({THROUGHS_IN_FORCE}))",
    "organization_active": active_once("r.organization_id"),
    "firm_active": active_once("r.holder_organization_id"),
    "unblocked": UNBLOCKED,
}


class Count(Filters):
    """One query that yields a row for each authorization, in whatever order, and whether it counts."""

    def query(self) -> tuple[str, list[Any]]:
        """The query and its arguments."""
        own = self._one_by_one(OWN, self._named_either)
        return self.asked(
            COUNTED.format(
                named=self._named,
                counts="true" if self.active is None else f"(r.holds and r.right_holds) = {self.active}",
                rows=" union all ".join(f"select * from ({rows}) r" for rows in [*self._delegations(), own]),
            )
        )

    def _delegations(self) -> list[str]:
        if self.delegable == "false":
            return []
        if self.contacts:
            return [self._one_by_one(DELEGATIONS.format(holders=self.contacts), self._named_either)]
        if not self.words:
            return [self._by_through()]
        of_named_holders = DELEGATIONS.format(holders="array(table named_holders)")
        return [self._by_through(), self._one_by_one(of_named_holders, f"not {self._named_organization}")]

    def _by_through(self) -> str:
        in_force_of_firm = (
            f", count(*) filter (where {in_force('held')}) as in_force,"
            f" array_agg(held.subject) filter (where {in_force('held')}) as subjects"
        )
        of_everything = "> 0" if self.active is None else "<= t.in_force"
        return BY_THROUGH.format(
            through_holds=self._relation_holds(),
            holds=self._relation_holds(through_holds="t.holds", organization_active="true", firm_active="true"),
            of_everything=f"select generate_series(1, t.rights) {of_everything} as holds",
            narrowed_holds=self._right_holds(firm_right_holds="coalesce(held.subject = any(t.subjects), false)"),
            carries=CARRIES.format(in_force="" if self.active is None else in_force_of_firm, of_right=self._of_right),
            of_right=self._of_right,
            of_through=self._of_organization + also(self._named_organization),
        )

    def _one_by_one(self, relations: str, named: str) -> str:
        return ONE_BY_ONE.format(
            relations=relations,
            holds=self._relation_holds(),
            firm_subjects="null" if self.active is None else FIRM_SUBJECTS,
            right_holds=self._right_holds(
                firm_right_holds="(r.firm_subjects is null or held.subject = any(r.firm_subjects))"
            ),
            of_relation=self._of_organization
            + also(f"r.holder_id = any({self.contacts})" if self.contacts else None, named),
            of_right=self._of_right,
        )

    def _relation_holds(self, **otherwise: str) -> str:
        """Whether all links of a relation hold, where that is asked; some of them may be known otherwise."""
        return "true" if self.active is None else " and ".join((LINKS | otherwise).values())

    def _right_holds(self, **otherwise: str) -> str:
        """The same of a right to a delegable subject."""
        return "true" if self.active is None else " and ".join((OF_RIGHT | {"delegable": "true"} | otherwise).values())

    @property
    def _named(self) -> str:
        return NAMED.format(holders=self.named_holders, organizations=self.named_organizations) if self.words else ""

    @property
    def _of_right(self) -> str:
        return also(f"held.subject = {self.subject}" if self.subject else None)

    @property
    def _of_organization(self) -> str:
        return also(f"r.organization_id = {self.organization}" if self.organization else None)

    @property
    def _named_organization(self) -> str:
        return "r.organization_id in (table named_organizations)" if self.words else ""

    @property
    def _named_either(self) -> str:
        return f"(r.holder_id in (table named_holders) or {self._named_organization})" if self.words else ""
