"""What agents are asked to look at: who may be known already, and organizations for which nobody can act."""
