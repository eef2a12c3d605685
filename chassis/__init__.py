"""Plumbing that every service needs: transactions with outbox and inbox, doors to Kafka and HTTP, tokens, seals.

No rule of an agency and no noun of a service stands here, with three exceptions on which all services must agree:
- `organization_id` and `profile_id` in the audit (work.py): every organization reads its own rows, and who acted did so
  for a profile; were they in each service's own words, no row could be found across services;
- kinds of callers (tokens.py: person, machine, agent): a token says which by its issuer, at every gateway alike;
- epochs and revoked sessions (tokens.py): accounts ends a session, and every gateway must then refuse its token.

Other nouns are found by tests/test_words.py. Which room imports which is told in pyproject.toml, from entry.py down: a
room imports those below it.
"""
