"""Faults in what an agency with codes on paper says of them are refused with file and reason."""

from pathlib import Path
from shutil import copytree
from typing import NamedTuple

import pytest

from contracts.agency import FaultyFiles, load

WSSCC = Path(__file__).parents[2] / "agencies" / "wsscc"


class Fault(NamedTuple):
    """`new` for the first `old` in `file`, for None nothing from there on; for an empty `old` the whole file."""

    file: str
    old: str
    new: str | None
    named: str
    reason: str


FAULTS = {
    "codes without limits": Fault(
        "limits.yaml", "organization_codes:", None, "linking.yaml", "no `organization_codes`"
    ),
    "codes of no kind": Fault("catalogue.yaml", "has_code: true", "has_code: false", "linking.yaml", "need each other"),
    "codes without a letter": Fault("letters/welcome.yaml", "", None, "letters/welcome.yaml", "The file is missing"),
    "a letter that nobody sends": Fault(
        "letters/goodbye.yaml", "", "a: b", "letters/goodbye.yaml", "No kind of letter"
    ),
    "a letter that names what is not offered": Fault(
        "letters/welcome.yaml", "{number}", "{code}", "letters/welcome.yaml", "`code` is not offered"
    ),
    "a window beside the sheet": Fault(
        "letters/welcome.yaml", "left: 22", "left: 500", "letters/welcome.yaml", "less than or equal"
    ),
    "codes of four digits": Fault("linking.yaml", "digits: 6", "digits: 4", "linking.yaml", "greater than or equal"),
    "a suffix with a dot": Fault("linking.yaml", "- inc\n", "- inc.\n", "linking.yaml", "match pattern"),
    "more tries than the standard": Fault(
        "limits.yaml", "wrong_tries: 20", "wrong_tries: 101", "limits.yaml", "less than or equal to 100"
    ),
    "delays that shrink": Fault(
        "limits.yaml", "first_seconds: 30, longest_seconds: 1800", "first_seconds: 30, longest_seconds: 20",
        "limits.yaml", "a delay grows",
    ),
    "a first person who manages nothing": Fault(
        "linking.yaml", "first: {type: access_administrator", "first: {type: worker", "linking.yaml", "able to manage"
    ),
    "a function that there is not": Fault(
        "linking.yaml", "granted: {type: worker", "granted: {type: emperor", "linking.yaml", "No membership in force"
    ),
    "a subject that there is not": Fault(
        "linking.yaml", "{type: worker, subjects: []}", "{type: worker, subjects: [{subject: nothing, level: read}]}",
        "linking.yaml", "No subject has the code `nothing`",
    ),
    "a capacity twice": Fault(
        "linking.yaml", "- code: representative", "- code: worker", "linking.yaml", "a second time"
    ),
    "claims that nobody decides": Fault(
        "requests.yaml", "access_request:", "proposed_end:", "requests.yaml", "No rule is given for access_request"
    ),
    "a reminder before the request": Fault(
        "requests.yaml", "reminders: [7, 1]", "reminders: [30]", "requests.yaml", "a reminder comes after the request"
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
def test_a_fault_is_refused_with_its_file_and_reason(tmp_path: Path, fault: Fault) -> None:
    folder = tmp_path / "wsscc"
    copytree(WSSCC, folder)
    file = folder / fault.file
    if fault.old:
        sound = file.read_text(encoding="utf-8")
        assert fault.old in sound
        before, _, after = sound.partition(fault.old)
        file.write_text(before if fault.new is None else before + fault.new + after, encoding="utf-8")
    elif fault.new is None:
        file.unlink()
    else:
        file.write_text(fault.new, encoding="utf-8")
    with pytest.raises(FaultyFiles) as refused:
        load(folder)
    named = [found.reason for found in refused.value.faults if found.file == folder / fault.named]
    assert any(fault.reason in reason for reason in named), str(refused.value)


def test_a_second_method_of_codes_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "wsscc"
    copytree(WSSCC, folder)
    file = folder / "linking.yaml"
    text = file.read_text(encoding="utf-8")
    method = text[text.index("  - code: organization_code") :]
    file.write_text(text + method.replace("- code: organization_code", "- code: another", 1), encoding="utf-8")
    with pytest.raises(FaultyFiles, match="A second method of kind organization_code"):
        load(folder)
