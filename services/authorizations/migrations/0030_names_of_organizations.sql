-- Agents find an organization by any part of its legal or trade names, without accents and case. Trigrams, because a
-- name is remembered by a word in its middle; of organizations alone, which are few beside the persons of this table.
create extension if not exists pg_trgm;

create function names_folded(legal_name text, trade_names text[]) returns text
    language plpgsql immutable parallel safe as $$
begin
    return lower(public.unaccent('public.unaccent', legal_name || e'\t' || array_to_string(trade_names, e'\t')));
end
$$;

create index personal_fields_names on personal_fields
    using gin (names_folded(legal_name, trade_names) public.gin_trgm_ops) where legal_name is not null;
