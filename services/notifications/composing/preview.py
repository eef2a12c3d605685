"""python -m services.notifications preview [--agency FOLDER]: one page that shows every mail, with made-up data.

The data are the golden examples of the contracts, so a new kind of mail is on the page as soon as it has its own. The
page fetches nothing, and the mails on it are those that the sender would compose.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

import contracts
from chassis.program import program
from contracts import jsonschema
from contracts.agency import Agency, FaultyFiles, load
from contracts.agency.mails import MAIL_FIELDS
from contracts.events import LANGUAGES, Language
from contracts.notifications import MAIL_REQUESTS, Contents, MailRequest
from services.notifications.composing.composition import TEMPLATES, Composer
from services.notifications.composing.layout import Written

GOLDEN = Path(contracts.__file__).parent / "golden"

NIGHT = "@media (prefers-color-scheme: dark)"
BOTH_SCHEMES = "color-scheme: light dark"

Scheme = Literal["light", "dark"]


@dataclass(frozen=True)
class Sample:
    """A made-up request for a mail. `name` tells it from the other samples of its kind."""

    name: str
    request: MailRequest
    contents: Contents


@dataclass(frozen=True)
class Preview:
    """A mail of the page. An iframe has no way to be told that it is night, so each scheme has its own HTML."""

    name: str
    language: Language
    mail: Written

    def html(self, scheme: Scheme) -> str:
        """The HTML as a mail program shows it by day or by night."""
        night = "@media all" if scheme == "dark" else "@media not all"
        return self.mail.html.replace(NIGHT, night).replace(BOTH_SCHEMES, f"color-scheme: {scheme}")


def samples(agency: Agency) -> Iterator[Sample]:
    """A sample of every kind of mail that the agency words, and more of those in which something may be absent.

    Raises FileNotFoundError for a kind without a golden example.
    """
    for kind in (request for request in MAIL_REQUESTS if request.mail in agency.mails):
        # The examples' codes are those of one agency.
        example = _with_codes_of(agency, json.loads((GOLDEN / jsonschema.file_name(kind)).read_bytes())["value"])
        sealed = _with_codes_of(agency, json.loads((GOLDEN / jsonschema.sealed_file_name(kind)).read_bytes()))
        for absent in MAIL_FIELDS[kind.mail].absences():
            yield Sample(
                name=kind.mail + "".join(f"-without-{name}" for name in sorted(absent)),
                request=kind.model_validate({name: value for name, value in example.items() if name not in absent}),
                contents=kind.contents.model_validate(
                    {name: value for name, value in sealed.items() if name not in absent}
                ),
            )


def _with_codes_of(agency: Agency, example: Any) -> Any:
    """The example, with the agency's first function, subject and so on in place of one that it does not have."""
    known: dict[str, Mapping[str, Any]] = {
        "function": agency.relation_types,
        "service": agency.subjects,
        "subject": agency.subjects,
        "subjects": agency.subjects,
        "given": agency.subjects,
        "withdrawn": agency.subjects,
        "lowered": agency.subjects,
        "functions": agency.relation_types,
        "request_kind": {str(kind): rule for kind, rule in agency.requests.kinds.items()},
        "decision_reason": agency.decision_reasons,
        "managing_reason": agency.managing_reasons,
        "portal": {portal.code: portal for portal in agency.profile.portals},
    }

    def code(name: str, value: Any) -> Any:
        if name in known and isinstance(value, str):
            return value if value in known[name] else next(iter(known[name]), "")
        if name in known and isinstance(value, list):
            return [code(name, one) for one in value]
        return _with_codes_of(agency, value)

    match example:
        case dict():
            return {name: code(name, value) for name, value in example.items()}
        case list():
            return [_with_codes_of(agency, one) for one in example]
    return example


def previews(agency: Agency) -> Iterator[Preview]:
    """Every sample in every language."""
    composer = Composer(agency)
    for sample in samples(agency):
        for language in LANGUAGES:
            request = sample.request
            mail = composer.written(request.mail, language, request.in_clear(), sample.contents)
            yield Preview(sample.name, language, mail)


def page(agency: Agency) -> str:
    """The page, in both languages."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("preview.html")
    return template.render(agency=agency.profile, previews=list(previews(agency))) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Writes the page to the standard output. Returns the process's exit status."""
    parser = argparse.ArgumentParser(prog=program("notifications", "preview"), description=__doc__)
    default = os.environ.get("MANDAT_AGENCY")
    parser.add_argument(
        "--agency",
        type=Path,
        metavar="FOLDER",
        default=default,
        required=default is None,
        help="the agency's folder (default: $MANDAT_AGENCY)",
    )
    try:
        text = page(load(parser.parse_args(arguments).agency.resolve()))
    except (FaultyFiles, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.buffer.write(text.encode())
    return 0
