"""Dockerfiles as data: the stages of one, with their instructions in order."""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from local import ROOT
from local.images import SERVICES

PLATFORM = Path("deploy/images/Dockerfile")
OF_SERVICES = {service: Path("services", service, "Dockerfile") for service in SERVICES}
FOR_TRIALS = (Path("deploy/compose/Dockerfile"), Path("tests/cluster/Dockerfile"))
ALL = (PLATFORM, *OF_SERVICES.values(), *FOR_TRIALS)


@dataclass
class Stage:
    """What one FROM begins."""

    base: str
    name: str = ""
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, keyword: str) -> list[str]:
        """What stands after each such instruction."""
        return [rest for word, rest in self.instructions if word == keyword]

    def environment(self) -> dict[str, str]:
        """What ENV sets."""
        return dict(part.partition("=")[::2] for line in self.all("ENV") for part in shlex.split(line))


@dataclass
class Dockerfile:
    """`arguments` are those before the first stage, with their defaults."""

    arguments: dict[str, str]
    stages: list[Stage]

    @property
    def final(self) -> Stage:
        return self.stages[-1]


def read(path: Path) -> Dockerfile:
    """Raises ValueError for an instruction before the first FROM that is no ARG."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / path).read_text(encoding="utf-8"), flags=re.MULTILINE)
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        keyword, _, rest = line.strip().partition(" ")
        match keyword.upper(), stages:
            case "", _:
                continue
            case "FROM", _:
                base, _, name = rest.partition(" AS ")
                stages.append(Stage(base, name))
            case "ARG", []:
                arguments |= dict([rest.partition("=")[::2]])
            case word, [*_, stage]:
                stage.instructions.append((word, rest))
            case _:
                raise ValueError(f"{path}: {line}")
    return Dockerfile(arguments, stages)
