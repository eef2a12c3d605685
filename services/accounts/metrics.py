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
PASSWORD_RESETS = Counter(
    "mandat_accounts_password_resets",
    "Password resets by what happened: a mail asked for with a code, with no_account, or none (over_limit); a code"
    " refused; or completed",
    ["outcome"],
)
EMAIL_CHANGES = Counter(
    "mandat_accounts_email_changes",
    "Changes of address by what happened: a mail asked for with a code, to the owner of an address that is taken, or"
    " none (over_limit); a code refused; changed; undone; or an undo_refused",
    ["outcome"],
)
PROOFS = Counter(
    "mandat_accounts_proofs", "Passwords entered again for an act elsewhere: proven or refused", ["outcome"]
)
ADDRESS_PROOFS = Counter(
    "mandat_accounts_address_proofs",
    "Addresses to be proved by what happened: a mail asked for with a code, or none (over_limit); a code refused; or"
    " proven",
    ["outcome"],
)
CREDENTIALS = Counter(
    "mandat_accounts_credentials",
    "Credentials of contacts by what happened: issued in two mails, or kept, because the person has an account",
    ["outcome"],
)
DEACTIVATIONS = Counter(
    "mandat_accounts_deactivations", "Accounts deactivated, by why: closed, by_agent or never_linked", ["because"]
)
SUSPICIONS = Counter(
    "mandat_accounts_suspicions",
    "Signs that another person uses an account, by sign: networks_at_once, travel, many_devices or many_sessions",
    ["signal"],
)
MACHINE_TOKENS = Counter(
    "mandat_accounts_machine_tokens",
    "Tokens asked for by other systems, by outcome: issued or OAuth's error",
    ["outcome"],
)
