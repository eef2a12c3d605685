"""A table of questions is followed to its one end, and refused where some answers would have none."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.agency.questionnaires import Astray, LeadsToForm, Leaves, Questionnaire, flaws, walk

DAY = date(2026, 11, 28)
SAID = {"fr": "Dit", "en": "Said"}


def question(code: str, *answers: str, **more: Any) -> dict[str, Any]:
    """Answers as `code>where`, where a form stands as !mandate and a text as =code."""
    made: list[dict[str, Any]] = []
    for answer in answers:
        name, _, end = answer.partition(">")
        way = {"!": "form", "=": "leaves"}.get(end[0], "question")
        made.append({"code": name, "label": SAID, way: end.lstrip("!=")})
    return {"code": code, "text": SAID, "answers": made, **more}


def table(*questions: dict[str, Any], leaves: tuple[str, ...] = ("elsewhere",), **more: Any) -> Questionnaire:
    return Questionnaire.model_validate(
        {
            "code": "who",
            "title": SAID,
            "questions": list(questions),
            "leaves": [{"code": leaf, "text": SAID} for leaf in leaves],
            **more,
        }
    )


SOUND = table(
    question("acts", "staff>service", "myself>=elsewhere"),
    question("service", "billing>!mandate", "other>signs"),
    question("signs", "me>!mandate", "nobody>=elsewhere"),
)


def test_answers_lead_to_the_form_or_to_what_to_do_instead() -> None:
    assert walk(SOUND, {"acts": "staff", "service": "other", "signs": "me"}, DAY) == LeadsToForm("mandate")
    left = walk(SOUND, {"acts": "myself"}, DAY)
    assert isinstance(left, Leaves) and left.leaf.code == "elsewhere"


@pytest.mark.parametrize(
    ("answers", "astray"),
    [
        ({}, Astray("acts", "unanswered")),
        ({"acts": "staff"}, Astray("service", "unanswered")),
        ({"acts": "nobody"}, Astray("acts", "no_such_answer")),
        ({"acts": "staff", "service": "billing", "signs": "me"}, Astray("signs", "not_asked")),
        ({"acts": "myself", "shoe_size": "42"}, Astray("shoe_size", "not_asked")),
    ],
)
def test_answers_that_are_no_path_are_told_where(answers: dict[str, str], astray: Astray) -> None:
    assert walk(SOUND, answers, DAY) == astray


def test_an_answer_counts_through_its_last_day() -> None:
    until = question("acts", "staff>!mandate", "myself>=elsewhere")
    until["answers"][0]["until"] = DAY
    retired = table(until)
    assert walk(retired, {"acts": "staff"}, DAY) == LeadsToForm("mandate")
    assert walk(retired, {"acts": "staff"}, date(2026, 11, 29)) == Astray("acts", "no_such_answer")
    assert flaws(retired) == []


def reasons(questionnaire: Questionnaire) -> list[str]:
    return [flaw.reason for flaw in flaws(questionnaire)]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (table(question("acts", "staff>nowhere", "no>=elsewhere")), "No entry of `questions` has the code `nowhere`."),
        (table(question("acts", "staff>=nowhere", "no>=elsewhere")), "No entry of `leaves` has the code `nowhere`."),
        (
            table(question("acts", "staff>service", "no>=elsewhere"), question("service", "any>acts")),
            "It leads back to `acts`, which was answered before it.",
        ),
        (table(question("acts", "staff>acts", "no>=elsewhere")), "It leads back to `acts`"),
        (
            table(
                question("acts", "no>=elsewhere"), question("service", "any>signs"), question("signs", "any>service")
            ),
            "It leads back to `service`",
        ),
        (
            table(question("acts", "no>=elsewhere"), question("service", "any>!mandate")),
            "No answer leads to `service`.",
        ),
        (table(question("acts", "staff>!mandate")), "No answer leads to `elsewhere`."),
        (
            table(question("acts", "staff>!mandate", "staff>=elsewhere")),
            "The code `staff` stands here a second time.",
        ),
        (
            table(question("acts", "a>service", "b>=elsewhere"), question("service", "c>!mandate", until=DAY)),
            "It leads to `service` after the last day of that.",
        ),
        (table(question("acts", "no>=elsewhere", until=DAY)), "One begins with this question"),
    ],
)
def test_a_table_in_which_some_answers_lead_nowhere_is_refused(broken: Questionnaire, reason: str) -> None:
    assert any(found.startswith(reason) for found in reasons(broken)), reasons(broken)


def test_a_sound_table_has_no_flaws() -> None:
    assert flaws(SOUND) == []


@given(st.data())
def test_in_a_table_without_flaws_whoever_answers_comes_to_an_end(data: st.DataObject) -> None:
    names = [f"q{number}" for number in range(data.draw(st.integers(1, 6)))]
    ends = st.sampled_from([*names, "!mandate", "=elsewhere"])
    made = [
        question(name, *(f"a{i}>{end}" for i, end in enumerate(data.draw(st.lists(ends, min_size=1, max_size=3)))))
        for name in names
    ]
    questionnaire = table(*made)
    if flaws(questionnaire):
        return
    answers: dict[str, str] = {}
    for _ in range(len(names) + 1):
        walked = walk(questionnaire, answers, DAY)
        if not isinstance(walked, Astray):
            return
        assert walked.why == "unanswered"
        asked = next(q for q in questionnaire.questions if q.code == walked.question)
        answers[walked.question] = data.draw(st.sampled_from([answer.code for answer in asked.answers]))
    raise AssertionError("more answers than questions, and no end")
