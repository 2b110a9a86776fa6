"""What the lines of one customer say of products beside what was bought."""

from features.reading.order_line import Line
from serving.live.shelf import given_back_whole


def line(product, quantity, *, is_return=False):
    return Line("1", 19_000, 600, product, None, None, quantity, 100, 0, None, is_return)


def test_given_back_whole_is_what_came_back_in_as_many_pieces_as_were_bought():
    lines = [
        line("lamp", 2),
        line("lamp", -2, is_return=True),
        line("rug", 2),
        # some shops write the pieces of a return without a sign
        line("rug", 1, is_return=True),
        line("cup", 1),
        line("cup", 1, is_return=True),
        line("cup", 3),
        line("vase", -1, is_return=True),
        line(None, -1, is_return=True),
    ]
    assert given_back_whole(lines) == {"lamp", "vase"}
    assert given_back_whole([]) == set()
