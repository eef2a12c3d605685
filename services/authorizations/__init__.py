"""The service authorizations: organizations, their contacts, dated relations and rights, and the check that reads them."""
