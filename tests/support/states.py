"""Order lines of one customer for the properties of the state per customer."""

from hypothesis import strategies as st

from features.reading.order_line import Line

FIRST_DAY = 19_723
"""2024-01-01."""


@st.composite
def lines_of_a_customer(draw, *, largest_amount: int = 100_000):
    """Lines in no order: few orders and days, so that they meet; returns; unknowns."""
    last_day = draw(st.sampled_from([3, 40, 900]))
    return draw(st.lists(_line(last_day, largest_amount), max_size=25))


@st.composite
def _line(draw, last_day: int, largest_amount: int):
    is_return = draw(st.sampled_from([False, False, False, True]))
    amount = draw(st.sampled_from([0, 1, 250]) | st.integers(0, largest_amount))
    return Line(
        order_id=draw(st.sampled_from(["o1", "o2", "o10", "ö", "a b"])),
        day=FIRST_DAY + draw(st.integers(0, last_day)),
        minute=draw(st.sampled_from([0, 719, 720, 1080, 1439]) | st.integers(0, 1439)),
        product_id=draw(st.sampled_from([None, "tea", "rice", "salt", "茶"])),
        category=draw(st.sampled_from([None, "food", "drinks"])),
        channel=draw(st.sampled_from([None, "web", "shop"])),
        quantity=-1.0 if is_return else 1.0,
        amount=-amount if is_return else amount,
        discount=draw(st.sampled_from([0, 0, 50])),
        cost=draw(st.none() | st.integers(0, 500)),
        is_return=is_return,
    )
