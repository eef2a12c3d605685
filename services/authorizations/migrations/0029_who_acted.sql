-- Who unlinked or closed the account before there were marks: a worker looks once at the organizations that they manage.
insert into acting_changed (organization_id, by_agent)
select distinct r.organization_id, false
from bindings b
join relations r on r.holder_id = b.contact_id
where upper_inf(b.recorded) and upper_inf(r.recorded) and r.ended_at is null and r.through is null
    and (not upper_inf(b.during) or exists (select from statuses s
        where s.owner_id = b.account_id and upper_inf(s.recorded) and upper_inf(s.during) and not s.active));
