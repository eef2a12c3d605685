"""questionnaires.yaml: tables of questions whose answers lead to the right form, or to what to do instead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from contracts.agency.links import Link
from contracts.agency.text import Coded, Policy, Text
from contracts.events import Code

LedTo = Literal["mandate"]
"""The kinds of forms that answers may lead to."""


class Answer(Coded):
    """An answer in words, and the one place where it leads: the next question, a form, or a text."""

    label: Text
    help: Text | None = None
    question: Code | None = None
    form: LedTo | None = None
    leaves: Code | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.question, self.form, self.leaves)) != 1:
            raise ValueError("an answer leads to one of `question`, `form` and `leaves`")
        return self


class Question(Coded):
    """A question, of whose answers one is chosen."""

    text: Text
    help: Text | None = None
    answers: tuple[Answer, ...] = Field(min_length=1, max_length=50)


class Leaf(Coded):
    """Where answers end that lead to no form: what to do instead."""

    text: Text
    link: Link | None = None


class Questionnaire(Coded):
    """A table of questions; one begins with the first."""

    title: Text
    help: Text | None = None
    questions: tuple[Question, ...] = Field(min_length=1, max_length=100)
    leaves: tuple[Leaf, ...] = Field(default=(), max_length=100)


class Questionnaires(Policy):
    """The file as a whole; absent where nothing is asked before a form."""

    questionnaires: tuple[Questionnaire, ...] = Field(default=(), max_length=20)


@dataclass(frozen=True)
class LeadsToForm:
    """The answers lead to a form of this kind."""

    form: LedTo


@dataclass(frozen=True)
class Leaves:
    """The answers lead to no form; the text says what to do instead."""

    leaf: Leaf


@dataclass(frozen=True)
class Astray:
    """The answers lead nowhere: `question` is not answered, or is answered with what is no answer of that day.

    `not_asked`: a question that the other answers do not come to.
    """

    question: str
    why: Literal["unanswered", "no_such_answer", "not_asked"]


Walked = LeadsToForm | Leaves | Astray


def walk(questionnaire: Questionnaire, answers: Mapping[str, str], day: date) -> Walked:
    """Where `answers`, from a question's code to that of one of its answers, lead on `day`.

    Every question that one comes to is answered, and no other: what is kept with a request is the path itself.
    """
    questions = {question.code: question for question in questionnaire.questions}
    leaves = {leaf.code: leaf for leaf in questionnaire.leaves}
    here, come_to = questionnaire.questions[0], {questionnaire.questions[0].code}
    while True:
        if here.code not in answers:
            return Astray(here.code, "unanswered")
        answer = next((a for a in here.answers if a.code == answers[here.code] and a.in_force(day)), None)
        if answer is None:
            return Astray(here.code, "no_such_answer")
        if answer.question is None:
            break
        here = questions[answer.question]
        come_to.add(here.code)
    if strayed := sorted(answers.keys() - come_to):
        return Astray(strayed[0], "not_asked")
    return LeadsToForm(answer.form) if answer.form is not None else Leaves(leaves[answer.leaves or ""])


@dataclass(frozen=True)
class Flaw:
    """What is wrong with a table: where (keys and indexes from the questionnaire), and why, as one sentence."""

    place: Sequence[str | int]
    reason: str


def flaws(questionnaire: Questionnaire) -> list[Flaw]:
    """Why some answers would lead nowhere, or to nobody's question; empty when every path ends.

    Codes stand once. Where an answer leads is there. Nothing comes back to a question that was answered, and nothing
    stands where no answer leads. What is offered leads to nothing that is retired, and a question in use offers
    something.
    """
    return [
        *_repeated(questionnaire),
        *_nowhere(questionnaire),
        *_circles(questionnaire),
        *_unreachable(questionnaire),
        *_retired(questionnaire),
    ]


def _repeated(questionnaire: Questionnaire) -> list[Flaw]:
    lists: list[tuple[tuple[str | int, ...], Sequence[Coded]]] = [
        (("questions",), questionnaire.questions),
        (("leaves",), questionnaire.leaves),
    ]
    lists += [(("questions", i, "answers"), question.answers) for i, question in enumerate(questionnaire.questions)]
    return [
        Flaw((*place, index, "code"), f"The code `{entry.code}` stands here a second time.")
        for place, entries in lists
        for index, entry in enumerate(entries)
        if entry.code in {earlier.code for earlier in entries[:index]}
    ]


def _nowhere(questionnaire: Questionnaire) -> list[Flaw]:
    known = {"question": {q.code for q in questionnaire.questions}, "leaves": {x.code for x in questionnaire.leaves}}
    return [
        Flaw(("questions", i, "answers", j, way), f"No entry of `{_list_of(way)}` has the code `{led_to}`.")
        for i, question in enumerate(questionnaire.questions)
        for j, answer in enumerate(question.answers)
        for way, led_to in (("question", answer.question), ("leaves", answer.leaves))
        if led_to is not None and led_to not in known[way]
    ]


def _list_of(way: str) -> str:
    return "questions" if way == "question" else way


def _circles(questionnaire: Questionnaire) -> list[Flaw]:
    """One for each answer that leads back to a question by which one came to it."""
    numbers = {question.code: i for i, question in enumerate(questionnaire.questions)}
    found: list[Flaw] = []
    done: set[int] = set()

    def follow(number: int, above: frozenset[int]) -> None:
        for j, answer in enumerate(questionnaire.questions[number].answers):
            after = numbers.get(answer.question or "")
            if after is None:
                continue
            if after in above | {number}:
                place = ("questions", number, "answers", j, "question")
                found.append(Flaw(place, f"It leads back to `{answer.question}`, which was answered before it."))
            elif after not in done:
                follow(after, above | {number})
        done.add(number)

    for number in range(len(questionnaire.questions)):
        if number not in done:
            follow(number, frozenset())
    return found


def _unreachable(questionnaire: Questionnaire) -> list[Flaw]:
    questions = {question.code: question for question in questionnaire.questions}
    reached, waiting = {questionnaire.questions[0].code}, [questionnaire.questions[0]]
    leaves: set[str] = set()
    while waiting:
        answers = waiting.pop().answers
        leaves |= {answer.leaves for answer in answers if answer.leaves is not None}
        new = {a.question for a in answers if a.question is not None and a.question in questions} - reached
        reached |= new
        waiting += [questions[code] for code in new]
    entries = [("questions", i, q.code, q.code in reached) for i, q in enumerate(questionnaire.questions)]
    entries += [("leaves", i, leaf.code, leaf.code in leaves) for i, leaf in enumerate(questionnaire.leaves)]
    return [Flaw((name, index), f"No answer leads to `{code}`.") for name, index, code, led_to in entries if not led_to]


def _retired(questionnaire: Questionnaire) -> list[Flaw]:
    entries: dict[str, Coded] = {q.code: q for q in questionnaire.questions}
    leaves = {leaf.code: leaf for leaf in questionnaire.leaves}
    found: list[Flaw] = []
    for i, question in enumerate(questionnaire.questions):
        if question.until is None and all(answer.until is not None for answer in question.answers):
            found.append(Flaw(("questions", i), "Every answer has `until`, and the question has none."))
        for j, answer in enumerate(question.answers):
            after = entries.get(answer.question or "") or leaves.get(answer.leaves or "")
            if after is not None and after.until is not None and (answer.until is None or answer.until > after.until):
                found.append(
                    Flaw(("questions", i, "answers", j), f"It leads to `{after.code}` after the last day of that.")
                )
    first = questionnaire.questions[0]
    if first.until is not None and questionnaire.until is None:
        found.append(Flaw(("questions", 0), "One begins with this question: no `until`."))
    return found
