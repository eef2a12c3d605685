"""What operators can count here. No label names a person, an address or a system."""

from prometheus_client import Counter

REGISTRATIONS = Counter(
    "mandat_accounts_registrations",
    "Mails asked for by registering, by what went out: code, already_registered, or nothing (over_limit)",
    ["outcome"],
)
VERIFICATIONS = Counter(
    "mandat_accounts_verifications", "One-time codes submitted, by outcome: opened or refused", ["outcome"]
)
SIGN_INS = Counter(
    "mandat_accounts_sign_ins", "Sign-ins by outcome: opened, refused or limited (too many attempts)", ["outcome"]
)
REFRESHES = Counter(
    "mandat_accounts_refreshes",
    "Refresh tokens presented, by outcome: rotated, repeated (a retry), reused (the session was ended) or refused",
    ["outcome"],
)
MACHINE_TOKENS = Counter(
    "mandat_accounts_machine_tokens",
    "Tokens asked for by other systems, by outcome: issued or OAuth's error",
    ["outcome"],
)
