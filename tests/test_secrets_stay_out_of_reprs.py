"""No repr shows a secret: a value that is logged, or stands in a traceback, gives nobody's token or password away."""

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any, get_args
from uuid import uuid4

import pytest
from pydantic import BaseModel

import chassis
import contracts
import services
from contracts.notifications import InvitationContents
from services.authorizations.deciding.accepting import Accept
from services.linking.organization_codes.proving import Typed
from services.notifications.sending.hosts import Access

SECRETS = ("token", "secret", "password", "code")
"""A field may be a secret when its name is one of these, or ends in one of them behind `_`."""

DATA, NAMES = "contracts.agency.", ("code", "before_code", "after_code", "calling_code")
"""In an agency's data these name what the data say."""

NO_SECRETS = {
    "chassis.gateway.FieldFault.code",
    "chassis.gateway.NextStep.code",
    "chassis.gateway.ProblemDetails.code",
    "chassis.outcomes.Next.code",
    "chassis.outcomes.Refusal.code",
    "chassis.refusals.Refused.code",
    "services.accounts.help.api.HelpTextView.code",
    "services.accounts.help.api.QuestionView.code",
    "services.accounts.signals.places.Place.code",
    "services.accounts.terms.api.DoorView.code",
    "services.accounts.terms.api.FieldOption.code",
    "services.accounts.terms.api.PortalView.code",
    "services.accounts.terms.api.RegistrationFieldView.code",
    "services.authorizations.attestations.api.AttestedView.code",
    "services.authorizations.attestations.domain.Attested.code",
    "services.authorizations.attestations.domain.Ticked.code",
    "services.authorizations.bodies.AttestationBody.code",
    "services.authorizations.forms.api.ChoiceView.code",
    "services.authorizations.forms.api.FieldView.code",
    "services.authorizations.forms.api.FormView.code",
    "services.authorizations.forms.api.StatementView.code",
    "services.authorizations.forms.api.TerritoryView.calling_code",
    "services.authorizations.forms.domain.Choice.code",
    "services.authorizations.imports.api.DefectView.code",
    "services.authorizations.imports.reading.Defect.code",
    "services.authorizations.migration_reports.api.MigrationItemView.code",
    "services.authorizations.misuse.api.MisuseReasonView.code",
    "services.authorizations.misuse.domain.Evidence.code",
    "services.authorizations.misuse.views.EvidenceView.code",
    "services.authorizations.questionnaires.api.AnswerView.code",
    "services.authorizations.questionnaires.api.AskedView.code",
    "services.authorizations.questionnaires.api.LeafView.code",
    "services.authorizations.questionnaires.api.QuestionnaireView.code",
    "services.authorizations.signatures.domain.Shown.code",
    "services.authorizations.signing.api.StatementView.code",
    "services.linking.links.api.FunctionView.code",
    "services.linking.methods.api.ChoiceView.code",
    "services.linking.methods.api.Method.code",
}
"""Codes that are names of what problems and data say, and no secrets."""


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if ".tests" not in found.name and not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def _classes() -> set[type]:
    modules = [module for package in (contracts, chassis, services) for module in _modules(package)]
    return {
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and kind.__module__ == module.__name__
    }


def _shown(kind: type) -> Iterator[tuple[str, Any]]:
    """Fields that a repr shows, with their types."""
    if issubclass(kind, BaseModel):
        yield from ((name, field.annotation) for name, field in kind.model_fields.items() if field.repr)
    elif dataclasses.is_dataclass(kind):
        yield from ((field.name, field.type) for field in dataclasses.fields(kind) if field.repr)


def _is_text(kind: Any) -> bool:
    """Whether a value of the type could be a secret itself: text or bytes, one or several."""
    return kind in (str, bytes) or any(_is_text(part) for part in get_args(kind))


def _is_secret(name: str) -> bool:
    return any(name == secret or name.endswith(f"_{secret}") for secret in SECRETS)


def test_no_field_that_is_named_like_a_secret_shows_in_a_repr() -> None:
    classes = _classes()
    shown = {
        f"{kind.__module__}.{kind.__qualname__}.{name}"
        for kind in classes
        for name, type_ in _shown(kind)
        if _is_secret(name) and _is_text(type_) and not (name in NAMES and kind.__module__.startswith(DATA))
    }
    assert len(classes) > 800
    assert shown - NO_SECRETS == set(), "hide these (repr=False), or, where the code is a name of data, list them here"
    assert NO_SECRETS - shown == set(), "these are gone: take them from the list"


@pytest.mark.parametrize(
    "secret",
    [
        Accept(uuid4(), "a-secret"),
        InvitationContents(address="somebody@example.org", given_name="", token="a-secret"),
        Typed("", "", "a-secret", "a-secret"),
        Access(password="a-secret"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_hidden_is_not_printed(secret: object) -> None:
    assert "a-secret" not in repr(secret) and "a-secret" not in f"{[secret]}"
