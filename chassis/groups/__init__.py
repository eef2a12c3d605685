"""Consumer groups after a restore: back to what the restored database has seen (docs/operations/restore.md)."""
