-- One digest for a person and a day: what there is to tell one account of several files comes in one mail. The other
-- files' contacts were told in the mail to this one.
alter table digests add told_with uuid;
