-- Agents upload files too: the scan of a mandate of paper.
alter table attachments
    alter column account_id drop not null,
    alter column contact_id drop not null,
    add agent text,   -- the audit's name of the agent who uploaded it
    add check ((agent is null) = (account_id is not null and contact_id is not null));
