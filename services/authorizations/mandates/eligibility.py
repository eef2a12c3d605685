"""Whether one person may mandate another for a service: the rules of the agency's data, and why not, in words."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from chassis.outcomes import Refusal
from chassis.writing import joined
from contracts.agency import Agency
from contracts.agency.mandates import MandatedService
from contracts.events import Language
from services.authorizations.mandates.domain import AnsweredQuestionnaire, AskedMandate
from services.authorizations.periods import FOREVER, Period
from services.authorizations.personal.domain import Personal
from services.authorizations.relations import domain as relations


@dataclass(frozen=True)
class Wanted:
    """One mandate as a form describes it: whom, for which service, as what, and for how long.

    `language` is that of the text that the professional signs. Without a first day it begins on the day that it is
    asked for; without a last one it lasts as long as the service allows.
    """

    delegate: Personal
    service: str
    role: str
    starts_on: date | None
    ends_on: date | None
    language: Language


@dataclass(frozen=True)
class Mandating:
    """Who mandates: with which functions, in an organization of which kind, and how their address is spelled."""

    functions: Collection[str]
    kind: str
    personal: Personal


def asked(
    agency: Agency,
    by: Mandating,
    wanted: Wanted,
    answered: AnsweredQuestionnaire | None,
    today: date,
    language: Language,
) -> AskedMandate | Refusal:
    """What is asked for, where profession, role and dates are what the service allows; else the reason in words."""
    service = _service(agency, wanted.service)
    if service is None or wanted.service not in {subject.code for subject in agency.ceiling(by.kind, today)}:
        known = agency.subjects.get(wanted.service)
        called = known.name.in_(language) if known else wanted.service
        return Refusal("mandate_service_unknown", {"service": called}, ("service",))
    name = agency.subjects[wanted.service].name.in_(language)
    profession = min(set(by.functions) & set(service.professions), default=None)
    if profession is None:
        professions = _functions(agency, service.professions, language)
        return Refusal("mandate_profession_ineligible", {"service": name, "professions": professions})
    if wanted.role not in service.roles or relations.refuse_membership_type(agency, wanted.role, by.kind, today):
        allowed = (role for role in service.roles if agency.relation_types[role].in_force(today))
        roles = _functions(agency, allowed, language)
        return Refusal("mandate_role_ineligible", {"service": name, "roles": roles}, ("role",))
    if _is_same(by.personal, wanted.delegate):
        return Refusal("mandate_to_oneself", fields=("delegate",))
    period = _period(service, wanted, today)
    if isinstance(period, Refusal):
        return period
    return AskedMandate(
        subject=service.subject,
        level=service.level,
        type=wanted.role,
        profession=profession,
        starts_on=period.starts_on,
        ends_on=period.ends_on,
        questionnaire=answered,
    )


def _service(agency: Agency, code: str) -> MandatedService | None:
    return agency.mandates.by_subject.get(code) if agency.mandates else None


def _functions(agency: Agency, codes: Iterable[str], language: Language) -> str:
    return joined([agency.relation_types[code].name.in_(language) for code in codes], language)


def _is_same(one: Personal, other: Personal) -> bool:
    """Whether both have one address: two spellings of one mailbox are found once both are verified."""
    return one.email is not None and other.email is not None and one.email.lower() == other.email.lower()


def _period(service: MandatedService, wanted: Wanted, today: date) -> Period | Refusal:
    period = Period.of(wanted.starts_on or today, wanted.ends_on or FOREVER)
    if refusal := relations.refuse_period(period, today):
        return refusal
    if service.most_days is None:
        return period
    last = period.starts_on + timedelta(days=service.most_days - 1)
    if wanted.ends_on is None:
        return Period(period.starts_on, last)
    if period.ends_on is None or period.ends_on > last:
        return Refusal("mandate_too_long", {"days": service.most_days}, ("ends_on",))
    return period
