"""What an import could not bring in of an organization's file, until somebody settles it."""
