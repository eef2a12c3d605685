"""The page on which people look at the mails before anybody gets one."""

import re
import subprocess
import sys
from html import unescape
from itertools import product
from pathlib import Path

import pytest

from contracts.agency import Agency, load
from contracts.events import LANGUAGES
from local import ROOT
from services.notifications.composing import preview
from services.notifications.composing.composition import Composer

FOLDERS = sorted(file.parent for file in (ROOT / "agencies").glob("*/agency.yaml"))


@pytest.fixture(scope="module")
def page(agency: Agency) -> str:
    return preview.page(agency)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_kind_of_mail_that_an_agency_words_is_on_its_page_in_every_language(folder: Path) -> None:
    agency = load(folder)
    shown = preview.page(agency)
    for kind, language in product(agency.mails, LANGUAGES):
        assert f'<section id="{kind}.{language}">' in shown


def test_a_mail_in_which_something_may_be_absent_is_shown_both_ways(page: str) -> None:
    assert '<section id="linking_coordinates.fr">' in page
    assert '<section id="linking_coordinates-without-responsible.fr">' in page


def test_a_mail_without_an_example_stops_the_page(
    agency: Agency, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setattr(preview, "GOLDEN", tmp_path_factory.mktemp("golden"))
    with pytest.raises(FileNotFoundError):
        preview.page(agency)


def test_the_page_shows_what_the_sender_composes(agency: Agency, page: str) -> None:
    first = next(preview.samples(agency))
    mail = Composer(agency).written(first.request.mail, "fr", first.request.in_clear(), first.contents)
    assert mail.subject in page
    assert mail.text.split("\n")[-1] in page


def test_each_mail_is_seen_by_day_and_by_night_narrow_and_wide(page: str) -> None:
    shown = [unescape(html) for html in re.findall(r'srcdoc="([^"]+)"', page)]
    mails = page.count("<section ")
    assert len(shown) == 4 * mails
    for scheme, other in (("dark", "light"), ("light", "dark")):
        night = "@media all" if scheme == "dark" else "@media not all"
        of_scheme = [html for html in shown if f":root {{ color-scheme: {scheme};" in html]
        assert len(of_scheme) == 2 * mails
        assert all(night in html and "prefers-color-scheme" not in html for html in of_scheme), other
    assert page.count('class="frame narrow"') == page.count('class="frame wide"') == 2 * mails


def test_nothing_of_a_mail_can_run_and_the_page_fetches_nothing(page: str) -> None:
    assert page.count("<iframe") == page.count('<iframe sandbox=""') > 0
    assert not re.search(r"<script|<link|<img|src=\"|url\(|@import", page)


def test_an_agency_without_the_examples_codes_is_shown_with_its_own(agency: Agency) -> None:
    one_type = dict(list(agency.relation_types.items())[-1:])
    other = type(agency)(**{**vars(agency), "relation_types": one_type})
    (function,) = (type_.name.fr for type_ in one_type.values())
    shown = {found.name: found.mail.text for found in preview.previews(other) if found.language == "fr"}
    assert function in shown["profile_linked"]


def test_the_command_writes_the_page() -> None:
    command = [sys.executable, "-m", "services.notifications", "preview", "--agency", str(ROOT / "agencies" / "ccq")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    assert done.stdout.decode().startswith("<!doctype html>")
    assert subprocess.run([*command[:-1], "nowhere"], cwd=ROOT, capture_output=True, check=False).returncode == 1
