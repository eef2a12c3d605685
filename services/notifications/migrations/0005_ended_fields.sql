-- What a request says in clear may name a person (an organization that is an individual): it goes with the seal.
update mails set fields = '{}' where due_at is null and fields <> '{}';
