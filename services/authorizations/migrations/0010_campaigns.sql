-- The campaign of the agency's data that a batch belongs to; of a contact, that of the code of the newest generation.
alter table linking_code_batches add campaign text;
alter table contacts add linking_code_campaign text;
