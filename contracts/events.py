"""What every event has in common: its topic, its key, its CloudEvents type and its schema's name."""

from typing import Annotated, ClassVar, Literal, get_args
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PrivateAttr

from contracts.topics import Topic

Language = Literal["fr", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
Level = Literal["read", "write"]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Instant = AwareDatetime
Version = Annotated[int, Field(ge=1)]

REGISTRY: dict[str, type["Event"]] = {}


class Event(BaseModel):
    """A fact in the past tense, or the latest state of one thing; readers ignore fields they do not know.

    A subclass names its topic and which of its fields is the key. An optional field keeps the version; anything else is
    a new class with a higher `version_number` beside the old one.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    topic: ClassVar[Topic]
    key_field: ClassVar[str]
    version_number: ClassVar[int] = 1

    _traceparent: str | None = PrivateAttr(default=None)

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        """Enter a concrete event in the registry that doors and generators read.

        Raises TypeError for a state on a topic that is not compacted, which would grow without end, and for a fact on
        one that is, of which compaction would keep the last alone.
        """
        if not cls.is_concrete():
            return
        if any(topic.compacted != issubclass(cls, State) for topic in cls.topics()):
            raise TypeError(f"{cls.__name__}: states, and nothing else, belong on topics of states")
        REGISTRY[cls.type_name()] = cls

    @classmethod
    def is_concrete(cls) -> bool:
        """Whether it is published as such, and not only what several events have in common: it names its topic."""
        return "topic" in vars(cls)

    def __eq__(self, other: object) -> bool:
        """By content; where it was read, and in which trace, is no part of it."""
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        """As `==` compares."""
        return hash((type(self), *self.__dict__.values()))

    @classmethod
    def type_name(cls) -> str:
        """The CloudEvents type, for example `mandat.accounts.AccountOpened.v1`."""
        return f"mandat.{cls.topic.service}.{cls.__name__}.v{cls.version_number}"

    @classmethod
    def schema_name(cls) -> str:
        """The CloudEvents dataschema, for example `urn:mandat:schema:accounts.AccountOpened:1`."""
        return f"urn:mandat:schema:{cls.topic.service}.{cls.__name__}:{cls.version_number}"

    @classmethod
    def topics(cls) -> tuple[Topic, ...]:
        """Where a reader finds it."""
        return (cls.topic,)

    @property
    def destination(self) -> Topic:
        """Where this one is published; one of `topics()`."""
        return self.topic

    @property
    def traceparent(self) -> str | None:
        """Of an event that was read: the trace in which it was published, as W3C Trace Context writes it."""
        return self._traceparent

    @property
    def key(self) -> str:
        """The Kafka key: what keeps the order of everything about one thing."""
        value: UUID = getattr(self, self.key_field)
        return str(value)


class State(Event):
    """The whole latest state of the thing that the key names, on a compacted topic.

    Every subclass has a field `version`; a reader ignores older versions. A record of this type without a value is a
    tombstone: the thing is forgotten (contracts.cloudevents.Forgotten).
    """


class Span(BaseModel):
    """Legal dates, both inclusive; an end of None means open."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    starts_on: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    ends_on: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
