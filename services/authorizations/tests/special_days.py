"""The next days in Montreal that are unlike others, from whichever day the tests run on."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

MONTREAL = ZoneInfo("America/Toronto")
DAY = timedelta(days=1)


def _hours(day: date) -> float:
    begins, ends = (datetime.combine(at, time(0), MONTREAL).astimezone(UTC) for at in (day, day + DAY))
    return (ends - begins) / timedelta(hours=1)


_COMING = [datetime.now(MONTREAL).date() + number * DAY for number in range(2, 400)]

SPRING = next(day for day in _COMING if _hours(day) == 23)
"""At 2:00 the clock skips to 3:00."""
AUTUMN = next(day for day in _COMING if _hours(day) == 25)
"""At 2:00 the clock goes back to 1:00."""
LEAP_DAY = next(date(year, 2, 29) for year in count(_COMING[-1].year) if year % 4 == 0)
