"""The whole stack under load, broken by a seeded schedule, and a checker that reads everything afterwards."""
