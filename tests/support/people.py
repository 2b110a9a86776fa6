"""People for tests: a clock that can be set, and browsers of those who have signed in."""

import re
from datetime import timedelta

from starlette.testclient import TestClient

from serving.people.service import People
from serving.people.sessions import COOKIE, SessionRing, form_token_of
from serving.settings import PeopleSettings
from tests.serving.conftest import NOW, client_of

OWN = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
"""What a browser sends along with a form of one of our pages."""
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PASSWORD = "a quiet sentence"  # noqa: S105 - of nobody


class SetClock:
    """The present moment, as a test sets it."""

    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now

    def pass_hours(self, hours):
        self.now += timedelta(hours=hours)


class Shop:
    """An application with people, and browsers in front of it."""

    def __init__(self, stores, *, settings=None, **options):
        self.clock = SetClock()
        self.stores = stores
        self.settings = settings or PeopleSettings(password_megabytes=8)
        self.people = People(stores.people, stores.audit, self.clock, self.settings)
        self.sessions = SessionRing(
            stores.people.sessions, self.clock, self.settings, last_good_seconds=0
        )
        self.app = client_of(stores, clock=self.clock, people=self.settings, **options).app

    def browser(self, **options):
        """One that nobody has signed in with."""
        return TestClient(
            self.app, raise_server_exceptions=False, follow_redirects=False, **options
        )

    def add(self, name, role, password=PASSWORD):
        return self.people.add(name, role, password, by="command")

    def browser_of(self, person):
        """One with a session of somebody, whose forms hold the token of it."""
        token = self.sessions.begin(person.person_id)
        return self.browser(
            cookies={COOKIE: token}, headers={**OWN, "X-Form-Token": form_token_of(token)}
        )


def form_token_in(page):
    """The token in the forms of a page."""
    return re.search(r'name="form_token" value="([0-9a-f]{64})"', page.text)[1]


def sign_in(browser, name, password=PASSWORD, **fields):
    return browser.post(
        "/sign-in", data={"name": name, "password": password, **fields}, headers=OWN
    )


def session_in(answer):
    """The token that an answer has the browser keep."""
    return re.search(rf"{COOKIE}=([^;]+);", answer.headers["set-cookie"])[1]
