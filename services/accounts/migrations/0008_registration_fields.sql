-- What the agency asks of people beside name, address and language: values by the codes of its data's fields.
alter table people add column fields jsonb not null default '{}';
