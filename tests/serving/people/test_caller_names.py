from features.language.message import message
from serving.people.caller_names import CallerNames
from tests.serving.conftest import shown

NAMES = CallerNames({"person-1": "Ann", "0a1b": "CRM"})


def test_a_caller_has_a_name_a_role_or_is_forgotten():
    assert NAMES.of("person-1") == ("Ann", True)
    assert NAMES.of("0a1b") == ("CRM", True)
    assert NAMES.of("timetable") == ("the timetable", False)
    assert NAMES.of("person-2") == ("somebody who has been forgotten", False)
    assert NAMES.of("9f9f") == ("9f9f", True)
    assert message(NAMES.of("person-2").text).into("zh") != NAMES.of("person-2").text


def test_a_campaign_says_who_made_it_and_when():
    client = shown()
    wish = {"name": "Spring", "kind": "contacts", "budget": "10", "hold_out": "30"}
    made = client.post("/campaigns", data=wish)
    page = client.get(made.headers["location"]).text
    assert "by somebody on this computer" in page


def test_an_audience_says_who_made_it():
    client = shown()
    client.post("/v1/audiences", json={"name": "At risk", "where": "risk = high"})
    assert "by somebody on this computer" in client.get("/audiences").text
