"""What every store of people, sessions and links must do."""

from dataclasses import replace
from threading import Barrier, Thread

import pytest

from features.errors import ConfigError
from serving.people.invitation_store import Invitation
from serving.people.person_store import Person

ADA = Person(
    person_id="person-1",
    name="Ada “北京” O'Neil",
    sign_in_name="ada “北京” o'neil",
    role="admin",
    password_hash="$argon2id$",  # noqa: S106 - of nobody
    subject=None,
    created_at=1_772_582_400.25,
)
LINK = Invitation(
    digest="a" * 64,
    kind="invitation",
    role="viewer",
    name=None,
    person_id=None,
    created_at=1_000.0,
    expires_at=2_000.0,
)


def test_people_read_back_as_they_were_added(stores):
    persons = stores.people.persons
    assert not persons.any_ever()
    persons.add(ADA)
    assert list(persons.all()) == [ADA]
    assert persons.by_sign_in_name(ADA.sign_in_name) == persons.by_id("person-1") == ADA
    assert persons.by_subject("nobody") is None
    persons.change("person-1", role="viewer")
    assert persons.by_id("person-1") == replace(ADA, role="viewer")


def test_a_name_is_of_one_person_until_it_is_free(stores):
    persons = stores.people.persons
    persons.add(ADA)
    with pytest.raises(ConfigError):
        persons.add(replace(ADA, person_id="person-2"))
    persons.remove("person-1", 5.0)
    persons.add(replace(ADA, person_id="person-2"))
    assert [person.removed_at for person in persons.all()] == [5.0, None]
    assert persons.by_id("person-1").password_hash is None


def test_sessions_end_with_their_person_by_age_and_by_themselves(stores):
    persons, sessions = stores.people.persons, stores.people.sessions
    persons.add(ADA)
    for digest, at in (("old", 10.0), ("new", 20.0), ("other", 30.0)):
        sessions.begin(digest, "person-1", at)
    session = sessions.find("new")
    assert (session.person, session.created_at, session.seen_at) == (ADA, 20.0, 20.0)
    sessions.saw("new", 25.0)
    sessions.end_old(begun_before=15.0, seen_before=0.0)
    assert [sessions.find(digest) is None for digest in ("old", "new")] == [True, False]
    sessions.end_old(begun_before=0.0, seen_before=26.0)
    assert sessions.count() == {"person-1": 1}
    sessions.end("other")
    sessions.begin("last", "person-1", 40.0)
    persons.remove("person-1", 50.0)
    assert sessions.find("last") is None
    assert sessions.count() == {}


def test_a_link_lets_in_once_whoever_is_first(stores):
    invitations = stores.people.invitations
    invitations.add(LINK)
    start, outcomes = Barrier(3), []

    def accept(number):
        person = replace(ADA, person_id=f"person-{number}", sign_in_name=f"ada {number}")
        start.wait()
        outcomes.append(invitations.accept(LINK.digest, person))

    threads = [Thread(target=accept, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False, False, True]
    assert len(stores.people.persons.all()) == 1


def test_a_link_whose_name_is_taken_can_be_used_again(stores):
    stores.people.persons.add(ADA)
    invitations = stores.people.invitations
    invitations.add(LINK)
    with pytest.raises(ConfigError):
        invitations.accept(LINK.digest, replace(ADA, person_id="person-2"))
    assert invitations.find(LINK.digest, 1_999.0) == LINK
    assert invitations.find(LINK.digest, 2_000.0) is None
    assert list(invitations.open(1_999.0)) == [LINK]
    assert invitations.withdraw(LINK.digest)
    assert not invitations.withdraw(LINK.digest)


def test_of_links_to_the_first_admin_the_latest_holds_until_there_is_somebody(stores):
    invitations = stores.people.invitations
    first = replace(LINK, kind="first-admin")
    invitations.add(first)
    invitations.add(replace(first, digest="b" * 64))
    assert [link.digest for link in invitations.open(1_500.0)] == ["b" * 64]
    invitations.add(replace(LINK, digest="c" * 64))
    assert invitations.accept("c" * 64, ADA)
    assert list(invitations.open(1_500.0)) == []
