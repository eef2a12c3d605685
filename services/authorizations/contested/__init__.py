"""Links that linking refused although the secret was right: an agent decides which one stands."""
