"""Where the pictures put things."""

from itertools import pairwise

import pytest

from serving.web import charts


def test_heat_grows_with_the_value():
    assert [charts.heat(value, 60) for value in (None, 0, 1, 10, 11, 60)] == [0, 0, 1, 1, 2, 6]
    assert charts.heat(5, 0) == 0


def test_a_lorenz_curve_runs_from_corner_to_corner():
    curve = {"customers": [0.0, 0.5, 1.0], "share": [0.0, 0.2, 1.0]}
    assert charts.lorenz(curve) == "0.0,100.0 50.0,80.0 100.0,0.0"


def test_zero_is_always_in_the_picture_of_a_line():
    line = charts.line([10.0, 5.0], 200, 60)
    assert (line.places, line.zero) == ("0.0,0.0 200.0,30.0", 60.0)
    below = charts.line([-5.0, 5.0], 200, 60)
    assert (below.zero, below.last) == (30.0, (200.0, 0.0))
    assert charts.line([3.0], 200, 60).last == (0.0, 0.0)


def test_every_customer_is_in_one_ribbon_and_ribbons_fill_their_bars():
    moves = [("a", "a", 30), ("a", "b", 10), ("b", "a", 5), (None, "b", 5), ("b", None, 2)]
    flow = charts.flow(moves, ["a", "b"])
    assert sum(ribbon.customers for ribbon in flow.ribbons) == 52
    assert [(bar.value, bar.customers) for bar in flow.before] == [("a", 40), ("b", 7), (None, 5)]
    assert [(bar.value, bar.customers) for bar in flow.now] == [("a", 35), ("b", 15), (None, 2)]
    assert sum(bar.height for bar in flow.before) == pytest.approx(300 - 2 * 10)
    assert [ribbon.stayed for ribbon in flow.ribbons if ribbon.before == "a"] == [True, False]
    assert charts.flow([], []).ribbons == ()


def item(name, share, growth, sales=10.0):
    return {"item": name, "name": None, "share_of_largest": share, "growth": growth, "sales": sales}


def test_the_matrix_puts_growth_up_and_share_to_the_right():
    shown = [item("large", 1.0, 0.2), item("small", 0.1, -0.5), item("new", 0.3, None)]
    drawn = charts.matrix({"shown": shown, "high_growth_from": 0.1, "high_share_from": 0.4})
    large, small, new = drawn.bubbles
    assert large.x == drawn.width
    assert 0 < small.x < drawn.share < large.x
    assert new.y == 0 < large.y < drawn.growth < small.y < drawn.height
    assert large.radius > new.radius > small.radius
    places = [y for _, y in drawn.ticks]
    assert 0.0 in dict(drawn.ticks)
    assert all(b - a <= -charts.TICK_HEIGHT for a, b in pairwise(places))


def test_names_do_not_cover_each_other():
    shown = [item(f"product {number}", 0.5, 0.1) for number in range(5)]
    drawn = charts.matrix({"shown": shown, "high_growth_from": 0.0, "high_share_from": 0.1})
    # one to the right, one to the left, and no room for a third
    assert [bubble.anchor for bubble in drawn.bubbles if bubble.label is not None] == [
        "start",
        "end",
    ]


def test_a_name_covers_no_other_circle():
    shown = [
        item("first of the three", 0.5, 0.1),
        item("second", 0.58, 0.1),
        item("third", 0.43, 0.1),
    ]
    drawn = charts.matrix({"shown": shown, "high_growth_from": 0.0, "high_share_from": 0.1})
    assert [bubble.label is None for bubble in drawn.bubbles] == [True, False, False]


def test_only_the_largest_are_named():
    count = charts.MOST_NAMES + 4
    shown = [item(f"p{n}", 0.9**n, 0.5 * n - 0.5) for n in range(count)]
    drawn = charts.matrix(
        {"shown": shown, "high_growth_from": 0.0, "high_share_from": 0.1}, height=2000
    )
    named = [bubble.label is not None for bubble in drawn.bubbles]
    assert sum(named) <= charts.MOST_NAMES
    assert named[0]


def test_what_was_not_sold_is_not_drawn():
    nothing = {"shown": [item("gone", 0.0, -1.0, sales=0.0)]}
    cuts = {"high_growth_from": 0.0, "high_share_from": None}
    assert charts.matrix(nothing | cuts).bubbles == ()


def test_a_tenth_that_came_true_lies_on_the_line():
    deciles = [{"said": 1.0, "happened": 1.0}, {"said": 4.0, "happened": 0.0}]
    places, most = charts.calibration(deciles, side=200)
    assert most == 4.0
    assert places == ((100.0, 100.0), (200.0, 200.0))
    assert charts.calibration([]) == ((), 1.0)
