"""What comes back by mail: reports that one of ours was not delivered, and complaints. See the README."""
