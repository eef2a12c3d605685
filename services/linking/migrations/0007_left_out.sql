-- What a redemption of a former credential did not link, so that a repeated request is answered the same. Short-lived.
create table former_redemption_left_out (
    redemption_id uuid not null,  -- its first link
    place integer not null,
    why text not null check (why in ('already_linked', 'other_profile_here', 'not_active', 'unknown')),
    organization_id uuid,
    organization_number text,     -- as the credential named it, where no such file was brought in
    noted_at timestamptz not null,
    primary key (redemption_id, place)
);
create index on former_redemption_left_out (noted_at);
