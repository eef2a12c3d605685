"""What becomes of a mail, decided without I/O."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.mails import domain
from services.notifications.mails.domain import HandedBack, Outcome, Overdue, Refused, Sent, Standing, State, TryLater

NOW = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)
WAITING_ID = UUID(int=7)
WAITING = Standing(State.ACCEPTED, NOW, NOW, 1, None)


def after(outcome: Outcome, *, replaced: bool = False, minutes: float = 10) -> Standing:
    """Where a fresh mail stands after its first attempt."""
    expires_at = NOW + timedelta(minutes=minutes)
    return domain.after(outcome, WAITING, expires_at=expires_at, replaced=replaced, now=NOW, jitter=0.5)


def test_pauses_double_up_to_the_longest() -> None:
    pauses = [domain.retry_pause(attempts, 0.5).total_seconds() for attempts in range(1, 11)]
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]


@given(attempts=st.integers(1, 10_000), jitter=st.floats(0, 1))
def test_a_pause_varies_by_a_quarter_at_most(attempts: int, jitter: float) -> None:
    middle = domain.retry_pause(attempts, 0.5)
    assert middle * 0.749 <= domain.retry_pause(attempts, jitter) <= middle * 1.251


def test_what_was_sent_counts_as_sent_also_when_a_newer_mail_came_in_between() -> None:
    assert after(Sent(NOW), replaced=True).state is State.SENT


@pytest.mark.parametrize("outcome", [TryLater("4.7.1"), HandedBack(), Overdue()])
def test_what_was_not_sent_and_was_replaced_meanwhile_is_not_tried_again(outcome: Outcome) -> None:
    assert after(outcome, replaced=True).name == "replaced"


def test_a_mail_handed_back_stands_as_before_its_attempt() -> None:
    standing = after(HandedBack())
    assert (standing.state, standing.due_at, standing.attempts) == (State.ACCEPTED, NOW, 0)
    assert domain.fact(WAITING_ID, HandedBack(), standing) is None


@pytest.mark.parametrize("outcome", [Sent(NOW), TryLater("4.0.0"), Refused("5.1.1"), Overdue(), HandedBack()])
def test_only_an_accepted_or_deferred_mail_is_tried_again(outcome: Outcome) -> None:
    standing = after(outcome)
    assert (standing.due_at is not None) == (standing.state in {State.ACCEPTED, State.DEFERRED})


@given(chance=st.floats(0, 1), seconds=st.integers(0, 200), state=st.sampled_from([State.SUPPRESSED, State.BOUNCED]))
def test_a_mail_that_was_never_sent_is_told_like_one_that_came_back(chance: float, seconds: int, state: State) -> None:
    standing = Standing(state, NOW, None, 1, "5.1.1")
    told = domain.told(standing, NOW, chance, NOW + timedelta(seconds=seconds))
    reported = Standing(State.BOUNCED, NOW + timedelta(seconds=10 + 80 * chance), None, 1, "5.1.1")
    if seconds < 10 + 80 * chance:
        assert told == domain.told(Standing(State.SENT, NOW, None, 1, None), NOW, chance, NOW)
    else:
        assert told.status == "undelivered"
        assert told == domain.told(reported, NOW, chance, NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("state", [State.SENT, State.EXPIRED, State.BOUNCED, State.SUPPRESSED])
def test_an_end_is_told_to_the_minute(state: State) -> None:
    standing = Standing(state, NOW + timedelta(seconds=42.5), None, 1, "expired")
    since = domain.told(standing, NOW, 0.5, NOW + timedelta(hours=1)).since
    assert since is not None and (since.second, since.microsecond) == (0, 0)


def test_an_unknown_handle_answers_like_a_mail_just_accepted() -> None:
    assert domain.delivery(None) == domain.delivery(WAITING)
