"""Relations and subjects for a contact that exists: granted of its own organization, or delegated of a client."""
