-- Letters that carry organization codes: which are due, and what was printed when, by whom.

alter table organization_codes add letter_due bool not null default false;
update organization_codes set letter_due = true where ended_at is null and not adopted;
create index on organization_codes (issued_at, organization_id) where letter_due and ended_at is null and valid;

create table letter_printings (
    printing_id uuid primary key,
    printed_at timestamptz not null,
    printed_by text not null,  -- the agent
    letters integer not null
);
create index on letter_printings (printed_at);

create table printed_letters (
    printing_id uuid not null references letter_printings,
    organization_id uuid not null,
    issue integer not null,
    primary key (printing_id, organization_id)
);
create index on printed_letters (organization_id, issue);
