-- Rights that are written together are counted for each relation before the relations are read: an import writes some
-- five for each.
create or replace function raise_list_versions() returns trigger language plpgsql as $$
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
        select l.organization_id, sum(g.rights) from (
            select relation_id, count(*) as rights from written group by relation_id
        ) g
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
