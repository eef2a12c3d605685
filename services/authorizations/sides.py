"""Which sides of mandates an account is."""

OF_ACCOUNT = """
select s.side_id from mandate_sides s where s.account_id = $1 union
select s.side_id from mandate_sides s
where s.account_id is null and s.contact_id in (select b.contact_id from bindings b where b.account_id = $1)
"""
"""Those that signed as the account, and of those that signed without one, whose contact was linked to it ever.

The one place that says so: whoever erases a person, or asks who somebody else is, looks here.
"""
