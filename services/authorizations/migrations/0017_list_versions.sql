-- How often the list of an organization changed: what a confirmation of it must name. Every version of a relation or
-- right that is written raises it in the same transaction, whoever writes it, COPY included; counting the rows of a firm
-- with a million of them took seconds. An organization without a row has version 0.
create table list_versions (
    organization_id uuid primary key,
    version bigint not null
) with (fillfactor = 50);  -- overwritten again and again, in its own page

-- A relation is in the list of whoever holds it, or whose contact does, and in that of the organization acted for where
-- an organization holds it.
create function raise_list_versions() returns trigger language plpgsql as $$
begin
    if tg_table_name = 'relations' then
        insert into list_versions as v (organization_id, version)
        select l.organization_id, count(*) from written r
        cross join lateral (
            select r.holder_organization_id union all select r.organization_id where r.holder_kind = 'organization'
        ) l (organization_id)
        group by l.organization_id order by l.organization_id
        on conflict (organization_id) do update set version = v.version + excluded.version;
    else
        insert into list_versions as v (organization_id, version)
        select l.organization_id, count(*) from written g
        join relations r on r.relation_id = g.relation_id and upper_inf(r.recorded)
        cross join lateral (
            select r.holder_organization_id union all select r.organization_id where r.holder_kind = 'organization'
        ) l (organization_id)
        group by l.organization_id order by l.organization_id
        on conflict (organization_id) do update set version = v.version + excluded.version;
    end if;
    return null;
end
$$;

create trigger list_versions after insert on relations referencing new table as written
    for each statement execute function raise_list_versions();
create trigger list_versions after insert on rights referencing new table as written
    for each statement execute function raise_list_versions();
