"""Which version of something a caller has read, and means to change (RFC 9110, 8.8.3 and 13.1.1)."""

import re
from typing import Annotated, Any

from fastapi import Header

from chassis import described
from chassis.outcomes import Refusal
from chassis.problems import ProblemRaised

STRONG_VERSION = re.compile(r'"([0-9]{1,18})"')

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match", description="The ETag of what is to be changed.", json_schema_extra=described.REFUSED_WITHOUT
    ),
]


def etag(*parts: Any) -> str:
    """A strong entity tag of the versions that a representation is made of."""
    return '"' + "-".join(str(part) for part in parts) + '"'


def stated_version(if_match: str | None) -> int | None:
    """The version that a change is meant for; None for a tag that is none of ours. Raises ProblemRaised without one."""
    if if_match is None:
        raise ProblemRaised(Refusal("precondition_required", fields=("If-Match",)))
    found = STRONG_VERSION.fullmatch(if_match.strip())
    return int(found[1]) if found else None
