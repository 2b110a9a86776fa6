"""Every page of a shop, walked link by link, and the counts on them that open a list."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import unquote_plus, urldefrag, urlsplit

COUNT = re.compile(r"(?:.*\D)?(\d[\d,]*)(?: customers?)?")
LIST = "/churn-list"
COUNTED_COLUMNS = {"Customers", "Customers today"}


@dataclass
class WalkedPage(HTMLParser):
    """What a page says of counts.

    Attributes
    ----------
    links : where all its links lead
    counts : address of a list → the numbers that lead there
    closed : numbers in columns of customers that lead nowhere
    """

    links: set[str] = field(default_factory=set)
    counts: list[tuple[str, int]] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)

    def __post_init__(self):
        super().__init__()
        self._open = []
        self._href = None
        self._text = ""
        self._columns = []
        self._column = 0
        self._cell = ""
        self._has_link = False

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag in {"th", "td", "small", "thead", "tr", "table", "a"}:
            self._open.append(tag)
        if tag == "a":
            self._href, self._text, self._has_link = values.get("href"), "", True
            if self._href:
                self.links.add(self._href)
        if tag == "table":
            self._columns = []
        if tag == "tr":
            self._column = 0
        if tag in {"td", "th"}:
            self._cell, self._has_link = "", False

    def handle_data(self, data):
        if "small" in self._open:
            return
        self._text += data
        self._cell += data

    def handle_endtag(self, tag):
        if tag not in self._open:
            return
        while self._open.pop() != tag:
            pass
        text = self._text.strip()
        if tag == "a" and self._href:
            parts = urlsplit(self._href)
            is_list = parts.path == LIST and "th" not in self._open
            # the name of a group may end in a number
            is_list = is_list and not unquote_plus(parts.query).endswith(f":{text}")
            if is_list and (match := COUNT.fullmatch(text)):
                self.counts.append((self._href, int(match[1].replace(",", ""))))
            self._href = None
        if tag in {"td", "th"}:
            self._leave_cell()

    def _leave_cell(self):
        text = self._cell.strip()
        if "thead" in self._open:
            self._columns.append(text)
        elif self._column < len(self._columns):
            is_count = self._columns[self._column] in COUNTED_COLUMNS
            if is_count and not self._has_link and text.strip("0–"):
                self.closed.append(text)
        self._column += 1


def walk(client, start="/"):
    """Path and query → page, of all that can be reached from `start` without asking for lists."""
    pages, waiting = {}, [start]
    while waiting:
        path = waiting.pop()
        page = WalkedPage()
        answer = client.get(path)
        assert answer.status_code in {200, 303}, (path, answer.status_code)
        page.feed(answer.text)
        pages[path] = page
        links = {urldefrag(link).url for link in page.links if is_next(link)}
        waiting += sorted(links - {*pages})
        waiting = list(dict.fromkeys(waiting))
    return pages


def is_next(link):
    """Whether it leads to a page that is none of a customer, a file, a list or a language."""
    parts = urlsplit(link)
    outside = ("/v1/", "/static", "/customers/", "/docs", "/campaigns/new", "/audiences/new")
    return (
        link.startswith("/")
        and not link.startswith(outside)
        and not parts.path.endswith(".xlsx")
        and parts.path != LIST
        and not re.search(r"(lang|theme|shade|group|item|search)=", parts.query)
    )
