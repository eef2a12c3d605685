"""Plumbing that every service needs: transactions with outbox and inbox, doors to Kafka and HTTP, tokens, seals.

No domain word stands here.
"""
