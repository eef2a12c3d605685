-- What two files about one person have in common in spite of typing errors, accents and swapped names: keys that an
-- index finds, computed by the database from the personal fields, so that every way of writing them keeps them true.
-- plpgsql and not sql: each name is folded once, and a million files are written in one import.
create extension if not exists fuzzystrmatch;

-- Two names in either order: how they sound, how they begin, how they end. An identifier (an address, a telephone
-- number) by itself.
create function matching_keys(family_name text, given_name text, identifiers text[]) returns text[]
    language plpgsql immutable parallel safe as $$
declare
    family text := regexp_replace(public.unaccent('public.unaccent', lower(coalesce(family_name, ''))), '\W', '', 'g');
    given text := regexp_replace(public.unaccent('public.unaccent', lower(coalesce(given_name, ''))), '\W', '', 'g');
    keys text[] := '{}';
    identifier text;
begin
    if family <> '' and given <> '' then
        keys := array[
            'start ' || least(left(family, 4), left(given, 4)) || ' ' || greatest(left(family, 4), left(given, 4)),
            'end ' || least(right(family, 4), right(given, 4)) || ' ' || greatest(right(family, 4), right(given, 4))
        ];
        if public.soundex(family) <> '' and public.soundex(given) <> '' then  -- of Latin letters only
            keys := keys || ('sound ' || least(public.soundex(family), public.soundex(given)) || ' '
                || greatest(public.soundex(family), public.soundex(given)));
        end if;
    end if;
    foreach identifier in array coalesce(identifiers, '{}') loop
        keys := keys || ('is ' || left(lower(identifier), 254));
    end loop;
    return keys;
end
$$;

create function contact_identifiers(email text, telephones jsonb) returns text[]
    language plpgsql immutable parallel safe as $$
declare
    found text[] := array_remove(array[email], null);
    place integer := 0;
begin
    while place < jsonb_array_length(telephones) loop
        found := found || right(telephones -> place ->> 'number', 10);
        place := place + 1;
    end loop;
    return found;
end
$$;

alter table personal_fields add matching_keys text[] not null
    generated always as (matching_keys(family_name, given_name, contact_identifiers(email, telephones))) stored;
create index personal_fields_matching on personal_fields using gin (matching_keys);
