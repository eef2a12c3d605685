"""What Helm tells after each install and upgrade names what is still open."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from deploy import CHART
from tests.deploy.rendering import KUBERNETES, NEEDED, RELEASE, Object, helm, merged
from tests.deploy.variants import VARIANTS

Notes = Callable[[Object], str]


@pytest.fixture
def notes(tmp_path: Path) -> Notes:
    """The text of NOTES.txt with these values: `helm template` shows none, so that a copy of the chart does."""
    chart = shutil.copytree(CHART, tmp_path / "chart")
    (chart / "templates" / "NOTES.txt").rename(chart / "files" / "notes.txt")
    told = '{"kind": "Notes", "text": {{ tpl (.Files.Get "files/notes.txt") . | toJson }}}'
    (chart / "templates" / "notes.yaml").write_text(told)

    def render(values: Object) -> str:
        (tmp_path / "values.json").write_text(json.dumps(merged(NEEDED, values)))
        done = helm(
            "template", RELEASE, str(chart), "-f", str(tmp_path / "values.json"), "--kube-version", KUBERNETES,
            "--show-only", "templates/notes.yaml",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        text: str = yaml.safe_load(done.stdout)["text"]
        return " ".join(text.split())

    return render


def test_who_is_reached_at_any_address_because_nobody_said_where_is_named(notes: Notes) -> None:
    assert "at their ports alone: issuers, kafka, postgres, smtp. Say where" in notes({})

    somewhere = {"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}
    named: Object = {"networkPolicies": dict.fromkeys(("issuers", "kafka", "postgres"), somewhere)}
    assert "at their ports alone: smtp. Say where" in notes(named)
    assert "ANY ADDRESS" not in notes(merged(named, {"networkPolicies": {"smtp": somewhere}}))
    assert "at their ports alone: issuers, smtp. Say where" in notes(VARIANTS["operators"])


def test_that_nobody_verifies_the_audit_is_said(notes: Notes) -> None:
    assert "NOBODY LOOKS whether the audit is still what was sealed" in notes({})
    assert "NOBODY LOOKS" not in notes({"auditVerification": {"enabled": True}})
