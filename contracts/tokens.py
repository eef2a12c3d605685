"""Access tokens, as far as all services must agree about them."""

from collections.abc import Mapping

AUDIENCE = "mandat"
"""Of a token that is good at every service."""

UNTIL_TERMS_ARE_ACCEPTED = "mandat.accounts"
"""Of the token of a person who has yet to accept the terms of use in force."""

GOOD_AT_ONE: Mapping[str, str] = {UNTIL_TERMS_ARE_ACCEPTED: "terms_not_accepted"}
"""Audiences of tokens that are good at one service alone, `mandat.SERVICE`, and the problem that others answer."""
