-- How many letters were redriven and dropped is counted in the audit: commands end before anybody asks for metrics.
create index audit_of_settled_letters on audit (action)
    where action in ('dead_letter.redriven', 'dead_letter.dropped');
