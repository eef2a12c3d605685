"""Read a data file into a model; every complaint names the file, the line and the reason.

Generic: nothing here knows what the files are about. Several faults of one file are reported together.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Model = TypeVar("Model", bound=BaseModel)

MAX_FILE_BYTES = 2_000_000
"""A file is read whole at start; a larger one is a mistake (the largest in use is under 20 kB)."""


TEXT = yaml.resolver.BaseResolver.DEFAULT_SCALAR_TAG

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The same in C, where it was built: every process reads an agency when it starts."""


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong in a data file: the line (from 1) and the reason as one sentence."""

    file: Path
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


class FaultyFiles(Exception):
    """Data files that cannot be used; `faults` in order of file and line, never empty."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = tuple(sorted(set(faults)))
        super().__init__("\n".join(str(fault) for fault in self.faults))


@dataclass(frozen=True)
class Document:
    """A parsed YAML file that still knows on which line each of its values stands."""

    file: Path
    data: object
    root: yaml.Node

    @classmethod
    def absent(cls, file: Path) -> "Document":
        """What stands for a file that is not there."""
        return cls(file, {}, yaml.MappingNode("tag:yaml.org,2002:map", [], yaml.Mark(str(file), 0, 0, 0, None, 0)))

    def line(self, *location: str | int) -> int:
        """The line of the value at `location` (keys and indexes from the top).

        A step that is not in the file is skipped, so the line is that of the nearest value around it.
        """
        node, line = self.root, self.root.start_mark.line + 1
        for step in location:
            if isinstance(node, yaml.MappingNode):
                for key, value in node.value:
                    if key.value == str(step):
                        node, line = value, key.start_mark.line + 1
                        break
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
        return line

    def fault(self, reason: str, *location: str | int) -> Fault:
        """A fault at the line of `location`."""
        return Fault(self.file, self.line(*location), reason)


def read_text(file: Path) -> str:
    """The file's text (UTF-8, not empty). Raises FaultyFiles."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise FaultyFiles([Fault(file, 1, "The file is missing.")]) from None
    except OSError as error:
        raise FaultyFiles([Fault(file, 1, f"The file cannot be read: {error.strerror}.")]) from error
    if len(content) > MAX_FILE_BYTES:
        raise FaultyFiles([Fault(file, 1, f"The file is larger than {MAX_FILE_BYTES} bytes.")])
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FaultyFiles([Fault(file, line, "The file is not UTF-8 text.")]) from error
    if not text.strip():
        raise FaultyFiles([Fault(file, 1, "The file is empty.")])
    return text


def read_yaml(file: Path) -> Document:
    """Parse one YAML document of plain values. Raises FaultyFiles: syntax, tags, repeated keys."""
    text = read_text(file)
    try:
        root = yaml.compose(text, LOADER)
        if root is None:
            raise FaultyFiles([Fault(file, 1, "The file holds no data.")])
        faults = list(_faulty_nodes(file, root))
        if faults:
            raise FaultyFiles(faults)
        return Document(file, _construct(root), root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise FaultyFiles([Fault(file, line, f"The YAML cannot be read: {error.problem}.")]) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise FaultyFiles([Fault(file, line, f"The YAML cannot be read: {error.reason}.")]) from error


def _construct(node: yaml.Node) -> object:
    """The value of a node; a loader of its own, because a loader keeps what it has constructed."""
    return yaml.SafeLoader("").construct_document(node)


def _faulty_nodes(file: Path, node: yaml.Node) -> Iterator[Fault]:
    """Keys that are no text or stand twice, and values such as 2026-02-30 that pass the grammar only."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                yield Fault(file, line, "A key is a plain word.")
            elif key.value in seen:
                yield Fault(file, line, f"The key `{key.value}` stands here a second time.")
            else:
                seen.add(key.value)
            yield from _faulty_nodes(file, value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _faulty_nodes(file, item)
    elif node.tag != TEXT:
        try:
            _construct(node)
        except ValueError as error:
            yield Fault(file, node.start_mark.line + 1, f"The value cannot be read: {error}.")


def read_model(file: Path, model: type[Model]) -> tuple[Document, Model]:
    """The file's data as `model`, and the document to ask for lines. Raises FaultyFiles.

    Strict: a number is no text (write "1000001"), a date is a date. The data pass through JSON because
    strict validation of Python values would refuse lists where the models, being frozen, hold tuples.
    """
    document = read_yaml(file)
    try:
        return document, model.model_validate_json(json.dumps(document.data, default=str), strict=True)
    except ValidationError as error:
        raise FaultyFiles(document.fault(_reason(e), *e["loc"]) for e in error.errors()) from error


def read_ndjson(file: Path, model: type[Model]) -> list[tuple[int, Model]]:
    """Each line of JSON as `model`, with its line number; blank lines are skipped. Raises FaultyFiles."""
    rows: list[tuple[int, Model]] = []
    faults: list[Fault] = []
    for line, text in enumerate(read_text(file).split("\n"), start=1):
        if not text.strip():
            continue
        try:
            rows.append((line, model.model_validate_json(text, strict=True)))
        except ValidationError as error:
            faults.extend(Fault(file, line, _reason(e)) for e in error.errors())
    if faults:
        raise FaultyFiles(faults)
    return rows


def _reason(error: ErrorDetails) -> str:
    """What pydantic found, as one sentence that names the field."""
    *around, name = [str(step) for step in error["loc"]] or ["the whole file"]
    place = f" in `{'.'.join(around)}`" if around else ""
    match error["type"]:
        case "missing":
            return f"`{name}`{place} is required and missing."
        case "extra_forbidden":
            return f"`{name}`{place} is not a known field."
        case _:
            message = error["msg"].removeprefix("Value error, ").rstrip(".")
            return f"`{name}`{place}: {message[:1].lower()}{message[1:]}."
