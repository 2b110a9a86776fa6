"""When the regular run is due: by the wall time of the shop, every day or week."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from features.errors import ConfigError
from serving.jobs.timetable import Timetable

LONDON, NEW_YORK = ZoneInfo("Europe/London"), ZoneInfo("America/New_York")


def at(text):
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("timetable", "moment", "latest", "following"),
    [
        (Timetable("day", hour=5), "2026-03-04T05:00Z", "2026-03-04T05:00Z", "2026-03-05T05:00Z"),
        (Timetable("day", hour=5), "2026-03-04T04:59Z", "2026-03-03T05:00Z", "2026-03-04T05:00Z"),
        # a Wednesday; the last Monday, and the next
        (Timetable("week", 0, 7), "2026-03-04T12:00Z", "2026-03-02T07:00Z", "2026-03-09T07:00Z"),
        (Timetable("week", 2, 12), "2026-03-04T12:00Z", "2026-03-04T12:00Z", "2026-03-11T12:00Z"),
        # the clock goes forward on 29 March: five in the morning comes an hour earlier
        (Timetable("day", hour=5), "2026-03-29T04:00Z", "2026-03-29T04:00Z", "2026-03-30T04:00Z"),
    ],
)
def test_a_run_is_due_at_the_hour_of_the_shop(timetable, moment, latest, following):
    assert timetable.latest(at(moment), LONDON) == at(latest)
    assert timetable.following(at(moment), LONDON) == at(following)


def test_the_day_is_that_of_the_shop():
    # Tuesday 02:00 in London is still Monday evening in New York
    monday = Timetable("week", weekday=0, hour=21)
    assert monday.latest(at("2026-03-03T02:00Z"), NEW_YORK) == at("2026-03-03T02:00Z")
    assert monday.latest(at("2026-03-03T01:59Z"), NEW_YORK) == at("2026-02-24T02:00Z")


def test_latest_and_following_never_lie_apart_by_more_than_their_step():
    start = datetime(2026, 10, 20, tzinfo=UTC)
    for hours in range(0, 24 * 14, 5):
        moment = start + timedelta(hours=hours)
        for timetable, longest in ((Timetable("day", hour=2), 25), (Timetable("week", 6, 2), 169)):
            before = timetable.latest(moment, LONDON)
            after = timetable.following(moment, LONDON)
            assert before <= moment < after
            # aware moments of one zone are subtracted by their wall time
            hours_apart = (after.astimezone(UTC) - before.astimezone(UTC)) / timedelta(hours=1)
            assert longest - 2 <= hours_apart <= longest


def test_never_is_never():
    moment = at("2026-03-04T12:00Z")
    assert Timetable().latest(moment, LONDON) is None
    assert Timetable().following(moment, LONDON) is None


@pytest.mark.parametrize(
    "sent",
    [{}, {"every": "hour"}, {"every": "day", "hour": "24"}, {"every": "week", "weekday": "x"}],
)
def test_what_is_no_timetable_is_refused(sent):
    with pytest.raises(ConfigError):
        Timetable.read(sent)
    assert Timetable.read(Timetable("week", 3, 9).to_dict()) == Timetable("week", 3, 9)
