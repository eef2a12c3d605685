-- Agents look at the codes that too many wrong tries have locked; they are few among all.
create index locked_codes on organization_codes (locked_at) where ended_at is null and locked_at is not null;
