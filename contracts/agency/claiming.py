"""What an agency's data say about claims: what people say to be in an organization, and what they are given there."""

from typing import Literal

from contracts.agency.text import Coded, Policy, Text
from contracts.events import Code, Level


class GrantedSubject(Policy):
    """A subject at a level."""

    subject: Code
    level: Level


class Granted(Policy):
    """What a person is given in an organization: a membership of a type with subjects.

    `all`: every subject that such an organization's own file has, to write.
    """

    type: Code
    subjects: Literal["all"] | tuple[GrantedSubject, ...]


class Capacity(Coded):
    """What a person says to be in an organization that they claim; `granted` is what an approval gives by itself."""

    name: Text
    granted: Granted
