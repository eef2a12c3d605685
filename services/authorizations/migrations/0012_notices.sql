-- What ends soon is told of, and lists are confirmed (services/authorizations/notices/).

-- The agency's days on which a round began.
create table notice_rounds (
    day date primary key
);

-- Organizations whose readers have something to be told of, until a portion takes them out.
create table digests_waiting (
    organization_id uuid primary key references organizations,
    since date not null            -- the last day of which they were told before
);

-- Whom was written to: one digest for each recipient and day.
create table digests (
    contact_id uuid not null,
    day date not null,
    primary key (contact_id, day)
);

-- When the list of an organization is to be confirmed, and who did so last.
create table recertifications (
    organization_id uuid primary key references organizations,
    due_on date not null,
    confirmed_at timestamptz,
    confirmed_by uuid,             -- the contact
    check ((confirmed_at is null) = (confirmed_by is null))
);
create index on recertifications (due_on);

-- What has a planned end is found by it; most relations and rights have none.
create index relations_by_end on relations (upper(valid))
    where upper_inf(recorded) and ended_at is null and not upper_inf(valid);
create index rights_by_end on rights (upper(valid))
    where upper_inf(recorded) and ended_at is null and not upper_inf(valid);
