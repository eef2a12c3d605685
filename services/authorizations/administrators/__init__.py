"""Who manages an organization: appointed, released, and for a time after a first link, replaced by an agent."""
