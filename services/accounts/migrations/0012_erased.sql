-- When the person of an account was erased; nothing is known of them since, and the account is never opened again.
alter table accounts add column erased_at timestamptz;
