-- How many letters were redriven and dropped: commands end before anybody asks for metrics, and the audit is pruned.
create table letters_settled (
    ending text primary key,
    letters bigint not null
);
insert into letters_settled
select substring(action from 'dead_letter[.](.*)'), count(*) from audit
where action in ('dead_letter.redriven', 'dead_letter.dropped') group by action;
drop index audit_of_settled_letters;
