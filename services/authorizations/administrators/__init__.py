"""Who manages an organization: appointed, released, and for a time replaced by an agent, with all that came of them."""
