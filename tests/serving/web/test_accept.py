"""What a caller would rather have."""

import pytest

from serving.web.formats.accept import preferred_language
from serving.web.params import preferred_format


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("de-DE,de;q=0.9,zh;q=0.5,en;q=0.4", "zh"),
        ("zh-CN, en;q=0.5", "zh"),
        ("ZH-Hant-TW", "zh"),
        ("zh;q=0,en", "en"),
        ("fr", "en"),
        ("zh;q=much", "en"),
        (",;,", "en"),
    ],
)
def test_the_browser_says_which_language_is_read(header, language):
    assert preferred_language(header) == language


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("text/csv", "csv"),
        ("TEXT/CSV; q=0.9, application/json;q=0.1", "csv"),
        ("text/*", "csv"),
        ("application/json, text/csv", "json"),
        ("application/json;q=0, text/csv;q=0.1", "csv"),
        ("text/html, image/png", "json"),
        ("application/json;q=much, text/csv;q=0.1", "csv"),
    ],
)
def test_the_caller_says_which_format_is_sent(header, wanted):
    assert preferred_format(header) == wanted
