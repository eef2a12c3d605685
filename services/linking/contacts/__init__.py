"""The agency's files about people: contacts, and the organizations that they belong to."""
