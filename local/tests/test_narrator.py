"""What a demo says when a step does not hold."""

from local.journeys.narrator import COLUMN, WIDTH, Narrator


def test_a_step_that_does_not_hold_is_shown_with_what_was_asked_what_it_answered_and_where_the_logs_are() -> None:
    said: list[str] = []
    narrator = Narrator(said.append, colour=False, logs="/somewhere/logs")
    narrator.step("Étape 1 | Créer un compte", "An account.")
    narrator.called("accounts", "POST", "/v1/registrations", 202, 3.0, "{}")
    narrator.step("Étape 2 | Lier mon compte", "A link.")
    narrator.called("linking", "POST", "/v1/links", 409, 3.0, '{"code": "refused"}')
    narrator.end("POST /v1/links answered 409, not 201")

    [_, *facts] = said[said.index("A step did not hold: POST /v1/links answered 409, not 201") :]
    assert [fact.strip().split(":", 1)[1].strip() for fact in facts] == [
        "Étape 2 | Lier mon compte",
        "linking, POST /v1/links",
        '409 {"code": "refused"}',
        "/somewhere/logs",
    ]


def test_of_an_earlier_step_nothing_is_shown() -> None:
    said: list[str] = []
    narrator = Narrator(said.append, colour=False)
    narrator.called("accounts", "POST", "/v1/registrations", 202, 3.0, "{}")
    narrator.step("Étape 2", "A link.")
    narrator.end("no mail")

    assert "registrations" not in " ".join(said[-3:])


def test_what_is_too_long_for_its_column_is_whole_and_what_became_of_it_stands_below_in_its_own() -> None:
    said: list[str] = []
    narrator = Narrator(said.append, colour=False)
    path = "/v1/organizations/…b7270c/authorizations?subject=workforce&organization=…c93459&active=true"
    subject = "mail to responsable@laforce.example: “Lancement des services en ligne – vos coordonnées de liaison”"
    narrator.called("authorizations", "GET", "/v1/forms", 200, 13.0)
    narrator.called("authorizations", "GET", path, 200, 13.0)
    narrator.arrived(subject, 791.0)
    narrator.arrived(f"{subject} and {subject}", 791.0)

    assert all(len(line) <= WIDTH for line in said)
    assert {line.find("200") for line in said if "200" in line} == {COLUMN + 1}
    assert {line.find("after") for line in said if "after" in line} == {COLUMN + 1}
    told = " ".join(" ".join(said).split())
    assert path in told and told.count(subject) == 3
