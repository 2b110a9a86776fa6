import re
from html.parser import HTMLParser

import pytest

from training.backtest.drawings import drawings
from training.backtest.grade import RULE
from training.backtest.report import CAPTIONS, SHOWN, backtest_page, shown


@pytest.fixture(scope="module")
def page(trained):
    return backtest_page(trained.result.backtest)


class Tags(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_the_page_needs_nothing_but_itself(page):
    tags = Tags(page).found
    assert not {tag for tag, _ in tags} & {"script", "link", "iframe", "object", "embed"}
    addresses = [
        value
        for _, attributes in tags
        for name, value in attributes.items()
        if name in {"src", "href", "xlink:href"}
    ]
    assert all(address.startswith("#") for address in addresses)
    assert "url(http" not in page
    assert "@import" not in page


def test_the_page_says_what_the_table_says(trained, page):
    assert RULE in page
    for result in trained.result.backtest.results:
        assert f'<span class="grade">{result.grade.letter}</span>' in page
        for contender in result.folds[0]:
            assert f"<td>{contender}</td>" in page
        mean = result.mean("model", shown(result)[0])
        assert f"<td>{mean:,.3f}</td>" in page


def test_every_plot_is_there_with_its_words(trained, page):
    figures = [drawings(result) for result in trained.result.backtest.results]
    names = [name for one in figures for name in one]
    assert set(names) == set(CAPTIONS)
    assert page.count("<svg") == page.count("<figure>") == len(names)
    assert all(CAPTIONS[name] in page for name in names)


def test_plots_take_the_colours_of_the_page(page):
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert not [one for one in drawings if "#000000" in one]
    assert "prefers-color-scheme: dark" in page


def test_the_same_backtest_is_the_same_page(trained, page):
    assert backtest_page(trained.result.backtest) == page


def test_every_task_has_its_measures(trained):
    assert {result.task.name for result in trained.result.backtest.results} == set(SHOWN)
    for result in trained.result.backtest.results:
        assert set(shown(result)) <= set(result.measures("model"))


def test_predicted_and_actual_orders_add_up(trained):
    (result,) = [one for one in trained.result.backtest.results if one.task.name == "next_purchase"]
    for judgement in result.judgements:
        track = judgement.track
        assert list(track.index) == list(range(1, 46))
        assert track["actual"].iloc[-1] == judgement.rows["waited"].notna().sum()
        assert (track.diff().dropna() >= 0).all(axis=None)
        assert (track["predicted"] <= len(judgement.rows)).all()
