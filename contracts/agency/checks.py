"""What must hold between the files of an agency's folder; each check yields its faults with file and line."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from contracts.agency import placeholders
from contracts.agency.accounts import Accounts
from contracts.agency.campaigns import Campaigns
from contracts.agency.catalogue import Catalogue
from contracts.agency.claiming import Granted
from contracts.agency.features import LIMITS_NEEDED_FOR, REQUESTS_NEEDED_FOR, needed
from contracts.agency.files import Document, Fault
from contracts.agency.forms import FIELD_OPTIONS, FORM_KINDS, OUTCOMES, Form, Forms
from contracts.agency.help import Help
from contracts.agency.limits import LIMIT_NAMES, Limits
from contracts.agency.linking import WITHOUT_METHOD, Linking
from contracts.agency.mail_checks import FOREIGN
from contracts.agency.managing import Managing
from contracts.agency.matching import CONTACT_FIELDS, Matching
from contracts.agency.profile import AgencyProfile
from contracts.agency.relations import Relations
from contracts.agency.requests import ACCEPTED_KINDS, REQUEST_KINDS, Requests
from contracts.agency.text import Text
from contracts.agency.texts import OWN_WORDS, OwnTexts
from contracts.events import LANGUAGES
from contracts.notifications import MAIL_REQUESTS, Feature
from contracts.problems import Wording, problems, words


def _repeated(document: Document, place: tuple[str | int, ...], codes: Iterable[str]) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, code in enumerate(codes):
        if code in seen:
            yield document.fault(f"The code `{code}` stands here a second time.", *place, index, "code")
        seen.add(code)


def _unknown(
    document: Document, place: tuple[str | int, ...], codes: Sequence[str], known: Collection[str], noun: str
) -> Iterator[Fault]:
    for index, code in enumerate(codes):
        if code not in known:
            yield document.fault(f"No {noun} has the code `{code}`.", *place, index)


def check_portals(document: Document, profile: AgencyProfile, present: Collection[Feature]) -> Iterator[Fault]:
    """Codes once each; whoever names none has one that stays; pages to which mails of the agency lead are there."""
    for request in MAIL_REQUESTS:
        page = request.page
        if page is not None and needed(request.needed_for, present) and profile.portal_pages.path(page) is None:
            yield document.fault(f"The mail {request.mail} leads to a page `{page}`.", "portal_pages")
    yield from _repeated(document, ("portals",), (portal.code for portal in profile.portals))
    if profile.portals[0].until is not None:
        yield document.fault("The first portal is that of whoever names none: no `until`.", "portals", 0)


def check_catalogue(document: Document, catalogue: Catalogue) -> Iterator[Fault]:
    """Codes once each; subjects name kinds that exist."""
    kinds = {kind.code for kind in catalogue.organization_kinds}
    yield from _repeated(document, ("organization_kinds",), (k.code for k in catalogue.organization_kinds))
    yield from _repeated(document, ("subjects",), (s.code for s in catalogue.subjects))
    for index, subject in enumerate(catalogue.subjects):
        yield from _unknown(document, ("subjects", index, "kinds"), subject.kinds, kinds, "organization kind")


def check_relations(document: Document, relations: Relations, catalogue: Catalogue) -> Iterator[Fault]:
    """Codes once each; kinds exist; one delegation type, or none where nobody acts for another; members are managed."""
    types = relations.relation_types
    kinds = {kind.code for kind in catalogue.organization_kinds}
    yield from _repeated(document, ("relation_types",), (t.code for t in types))
    for index, relation in enumerate(types):
        place = ("relation_types", index)
        yield from _unknown(document, (*place, "of_kinds"), relation.of_kinds, kinds, "organization kind")
        yield from _unknown(document, (*place, "by_kinds"), relation.by_kinds, kinds, "organization kind")
    delegations = [i for i, t in enumerate(types) if t.shape == "delegation" and t.until is None]
    if not delegations and any(t.shape == "representation" for t in types):
        yield document.fault(
            "No relation type in force has the shape delegation; one is needed for a representation.", "relation_types"
        )
    for index in delegations[1:]:
        yield document.fault("A second delegation type is in force; there is exactly one.", "relation_types", index)
    for kind in sorted(kinds):
        memberships = [t for t in types if t.shape == "membership" and t.until is None and kind in t.of_kinds]
        if memberships and not any(t.manages for t in memberships):
            yield document.fault(f"Nobody could manage a `{kind}`: no membership there `manages`.", "relation_types")


def check_accounts(document: Document, accounts: Accounts, relations: Relations) -> Iterator[Fault]:
    """Codes once each; whoever names no door can register; each membership, and each kind of file, has one door."""
    memberships = {t.code: t for t in relations.relation_types if t.shape == "membership"}
    yield from _repeated(document, ("doors",), (door.code for door in accounts.doors))
    yield from _repeated(document, ("registration_fields",), (field.code for field in accounts.registration_fields))
    for index, field in enumerate(accounts.registration_fields):
        options = (option.code for option in field.options)
        yield from _repeated(document, ("registration_fields", index, "options"), options)
    first = accounts.doors[0]
    if first.issuer is not None or first.until is not None:
        yield document.fault("The first door is that of whoever names none: no `issuer`, no `until`.", "doors", 0)
    door_of_type: dict[str, str] = {}
    door_of_kind: dict[str, str] = {}
    issuers: set[str] = set()
    for index, door in enumerate(accounts.doors):
        place = ("doors", index)
        yield from _unknown(
            document, (*place, "relation_types"), door.relation_types, memberships, "relation type of shape membership"
        )
        for code in door.relation_types:
            if door_of_type.setdefault(code, door.code) != door.code:
                yield document.fault(f"The relation type `{code}` has another door.", *place, "relation_types")
            for kind in memberships[code].of_kinds if code in memberships else ():
                if door_of_kind.setdefault(kind, door.code) != door.code:
                    yield document.fault(
                        f"Through `{code}` an organization of kind `{kind}` has two doors.", *place, "relation_types"
                    )
        if door.issuer is not None and door.issuer.issuer in issuers:
            yield document.fault("Another door has this issuer.", *place, "issuer")
        issuers |= {door.issuer.issuer} if door.issuer else set()
    for code in sorted(memberships.keys() - door_of_type.keys()):
        yield document.fault(f"The relation type `{code}` has no door: nobody could be linked to its files.", "doors")


def check_linking(
    document: Document, linking: Linking, catalogue: Catalogue, relations: Relations, limits: Limits
) -> Iterator[Fault]:
    """Codes once each; whoever has codes of organizations can be claimed by them, once, and guessing is bounded."""
    yield from _repeated(document, ("methods",), (m.code for m in linking.methods))
    for index, method in enumerate(linking.methods):
        if method.code in WITHOUT_METHOD:
            yield document.fault(
                f"No method may be called `{method.code}`: links are made without one.", "methods", index
            )
    claims = [i for i, m in enumerate(linking.methods) if m.kind == "organization_code"]
    for index in claims[1:]:
        yield document.fault("A second method of kind organization_code; there is one at most.", "methods", index)
    if claims and limits.organization_codes is None:
        yield document.fault("limits.yaml has no `organization_codes`, which this method needs.", "methods", claims[0])
    if bool(claims) != any(kind.has_code for kind in catalogue.organization_kinds):
        yield document.fault("A method organization_code and a kind that `has_code` need each other.", "methods")
    for index in claims:
        yield from _check_granted(document, index, linking, catalogue, relations)


def _check_granted(
    document: Document, index: int, linking: Linking, catalogue: Catalogue, relations: Relations
) -> Iterator[Fault]:
    """Codes once each; what a claim gives is a membership with subjects that there are; the first person manages."""
    method = linking.methods[index]
    if method.kind != "organization_code":
        return
    memberships = {t.code: t for t in relations.relation_types if t.shape == "membership" and t.until is None}
    subjects = {subject.code for subject in catalogue.subjects}
    yield from _repeated(document, ("methods", index, "capacities"), (c.code for c in method.capacities))
    places: list[tuple[tuple[str | int, ...], Granted]] = [(("first",), method.first)]
    places += [(("capacities", number, "granted"), c.granted) for number, c in enumerate(method.capacities)]
    for place, granted in places:
        if granted.type not in memberships:
            yield document.fault(
                f"No membership in force has the code `{granted.type}`.", "methods", index, *place, "type"
            )
        chosen = [] if granted.subjects == "all" else [one.subject for one in granted.subjects]
        yield from _unknown(document, ("methods", index, *place, "subjects"), chosen, subjects, "subject")
    if (first := memberships.get(method.first.type)) is not None and not first.manages:
        yield document.fault("The first person must be able to manage: `manages` is missing there.", "methods", index)


def check_letters(folder: Path, worded: Collection[str], linking: Linking) -> Iterator[Fault]:
    """Whoever has codes of organizations sends them on paper."""
    if "welcome" not in worded and any(method.kind == "organization_code" for method in linking.methods):
        yield Fault(folder / "welcome.yaml", 1, "The file is missing. An agency with organization_code prints it.")


def check_campaigns(document: Document, campaigns: Campaigns, relations: Relations) -> Iterator[Fault]:
    """Codes once each; functions are those of members who manage; words that stand in a mail hold no address."""
    managing = {relation.code for relation in relations.relation_types if relation.manages}
    yield from _repeated(document, ("campaigns",), (c.code for c in campaigns.campaigns))
    for index, campaign in enumerate(campaigns.campaigns):
        place = ("campaigns", index)
        yield from _unknown(
            document, (*place, "functions"), campaign.functions, managing, "relation type that manages its organization"
        )
        for field, text in (("name", campaign.name), ("introduction", campaign.introduction)):
            for language in LANGUAGES:
                if FOREIGN.search(text.in_(language)):
                    yield document.fault("A mail holds no address and no markup of its own.", *place, field, language)


def check_matching(document: Document, matching: Matching) -> Iterator[Fault]:
    """Fields are those of a contact."""
    codes = [field.code for field in matching.fields]
    for index, code in enumerate(codes):
        if code not in CONTACT_FIELDS:
            yield document.fault(f"A contact has no field `{code}`.", "fields", index, "code")


def check_limits(document: Document, limits: Limits, present: Collection[Feature]) -> Iterator[Fault]:
    """None is missing that the agency needs."""
    missing = [
        name for name in LIMIT_NAMES if name not in limits.attempts and needed(LIMITS_NEEDED_FOR.get(name, ()), present)
    ]
    if missing:
        yield document.fault(f"No limit is given for {', '.join(missing)}.", "attempts")
    if "confirmation_link" in present and limits.confirmation_link is None:
        yield document.fault("No `confirmation_link` is given, and accounts.yaml confirms by a link.")


def check_requests(document: Document, requests: Requests, present: Collection[Feature]) -> Iterator[Fault]:
    """Codes once each; no kind is missing that the agency needs; whoever rejects or returns a request can say why."""
    missing = [
        kind
        for kind in REQUEST_KINDS
        if kind not in requests.kinds and needed(REQUESTS_NEEDED_FOR.get(kind, ()), present)
    ]
    if missing:
        yield document.fault(f"No rule is given for {', '.join(missing)}.", "kinds")
    yield from _repeated(document, ("reasons",), (r.code for r in requests.reasons))
    for kind in (kind for kind in requests.kinds if kind not in ACCEPTED_KINDS):
        reasons = [r for r in requests.reasons if kind in r.kinds and r.until is None]
        if not any("reject" in r.outcomes for r in reasons):
            yield document.fault(f"No reason could be given for rejecting a `{kind}`.", "reasons")


def check_forms(document: Document, forms: Forms, requests: Requests, present: Collection[Feature]) -> Iterator[Fault]:
    """Codes once each; categories, attestations, fields and kinds of requests that forms name exist."""
    yield from _repeated(document, ("categories",), (c.code for c in forms.categories))
    yield from _repeated(document, ("forms",), (f.code for f in forms.forms))
    yield from _check_attestations(document, forms)
    categories = {category.code for category in forms.categories}
    current = {attestation.code for attestation in forms.attestations if attestation.until is None}
    for index, form in enumerate(forms.forms):
        place = ("forms", index)
        if form.category not in categories:
            yield document.fault(f"No category has the code `{form.category}`.", *place, "category")
        yield from _unknown(
            document, (*place, "attestations"), form.attestations, current, "attestation without `until`"
        )
        if form.request is not None and form.request not in requests.kinds:
            yield document.fault(f"requests.yaml has no kind `{form.request}`.", *place, "request")
        if (feature := FORM_KINDS[form.kind].needs) is not None and feature not in present:
            yield document.fault(f"Nobody could send it: the agency does without {feature}.", *place, "kind")
        yield from _check_fields(document, index, form)


def check_help(document: Document, texts: Help) -> Iterator[Fault]:
    """Codes once each; each text says something."""
    yield from _repeated(document, ("texts",), (text.code for text in texts.texts))
    yield from _repeated(document, ("questions",), (question.code for question in texts.questions))
    for index, text in enumerate(texts.texts):
        if text.text is None and not text.steps:
            yield document.fault("A text of help has a `text`, or `steps`, or both.", "texts", index)


def check_texts(document: Document, own: OwnTexts) -> Iterator[Fault]:
    """Each stands in place of one of the platform's that may be worded, and is filled from the same parameters."""
    said: list[tuple[tuple[str, ...], Wording, Text]] = []
    for code, problem in own.problems.items():
        if (known := problems().get(code)) is None:
            yield document.fault(f"No problem has the code `{code}`.", "problems", code)
            continue
        parts = (("title", known.title, problem.title), ("detail", known.detail, problem.detail))
        said += [(("problems", code, part), shared, text) for part, shared, text in parts if text is not None]
    for name, text in own.words.items():
        if name not in OWN_WORDS:
            yield document.fault(f"No text `{name}` may be worded here.", "words", name)
            continue
        said.append((("words", name), words()[name], text))
    for place, shared, text in said:
        offered = placeholders.names(shared.fr, "{name}")
        for language in LANGUAGES:
            for reason in placeholders.faults(text.in_(language), offered, "{name}"):
                yield document.fault(reason, *place, language)


def _check_attestations(document: Document, forms: Forms) -> Iterator[Fault]:
    versions: dict[str, list[int]] = {}
    open_codes: set[str] = set()
    for index, attestation in enumerate(forms.attestations):
        place = ("attestations", index)
        earlier = versions.setdefault(attestation.code, [])
        if attestation.version in earlier:
            yield document.fault(
                f"Version {attestation.version} of `{attestation.code}` stands here a second time.", *place
            )
        elif earlier and attestation.version < max(earlier):
            yield document.fault(f"The versions of `{attestation.code}` are not in rising order.", *place)
        earlier.append(attestation.version)
        if attestation.code in open_codes:
            yield document.fault(f"An earlier version of `{attestation.code}` has no `until`.", *place)
        if attestation.until is None:
            open_codes.add(attestation.code)


def check_managing(document: Document, managing: Managing, relations: Relations) -> Iterator[Fault]:
    """Codes once each; who is appointed can manage."""
    yield from _repeated(document, ("reasons",), (reason.code for reason in managing.reasons))
    types = {t.code for t in relations.relation_types if t.manages and t.until is None}
    if managing.administrators is not None and managing.administrators.type not in types:
        yield document.fault("No relation type in force that manages has this code.", "administrators", "type")


def _check_fields(document: Document, index: int, form: Form) -> Iterator[Fault]:
    yield from _repeated(document, ("forms", index, "fields"), (f.code for f in form.fields))
    for number, field in enumerate(form.fields):
        place = ("forms", index, "fields", number)
        if field.code not in FORM_KINDS[form.kind].fields:
            yield document.fault(f"A form of kind {form.kind} has no field `{field.code}`.", *place, "code")
        expected = _options_of(form, field.code)
        given = [option.code for option in field.options]
        if sorted(given) != sorted(expected):
            yield document.fault(
                f"The options of `{field.code}` must be {', '.join(sorted(expected)) or 'absent'}.",
                *place,
                "options",
            )


def _options_of(form: Form, field: str) -> Collection[str]:
    if field == "outcome" and form.request is not None:
        return OUTCOMES[form.request]
    return FIELD_OPTIONS.get(field, frozenset())
