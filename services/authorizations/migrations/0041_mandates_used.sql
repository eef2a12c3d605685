-- On which of the agency's days a service last asked about a right of the mandate, and was told yes: the audit names it
-- once a day.
alter table mandates add column used_on date;
