"""The service authorizations: organizations, contacts, dated relations and rights, and the check that reads them."""
