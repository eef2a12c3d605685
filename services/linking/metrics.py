"""What linking counts, each with what it tells. No label names a person, an organization or a file."""

from prometheus_client import Counter

CODES_LOCKED = Counter("mandat_organization_codes_locked", "Organization codes that too many wrong tries have locked")
