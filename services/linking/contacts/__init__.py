"""The agency's files about people, each within one organization: contacts, and which of them may be linked."""
