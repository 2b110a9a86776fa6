"""`regulars people`: who signs in on the pages."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from serving.audit.store import COMMAND
from serving.commands.frame import Speaker, common_options
from serving.people.links import USUAL_ADDRESS, invitation_address
from serving.people.person_store import Person
from serving.people.service import People
from serving.server.stores import open_stores
from serving.settings import load_shop
from serving.web.rights import ROLES, Role


@click.group()
def people() -> None:
    """People who sign in. Once there is one, every page and call needs a session or a key.

    viewer: reads. marketer: also makes campaigns and sends orders. admin: also manages people,
    keys, webhooks and erasure. Each of these commands takes --config and --json.
    """


role_option = click.option(
    "--role", required=True, type=click.Choice(ROLES), help="What they may do."
)


@people.command()
@click.argument("name")
@role_option
@click.option(
    "--password",
    "takes_password",
    is_flag=True,
    help="Take a password now, by prompt or as the first line of standard input, not a link.",
)
@click.option(
    "--address", help=f"Where people reach the server; people.address, else {USUAL_ADDRESS}."
)
@common_options
def add(
    name: str,
    role: Role,
    takes_password: bool,
    address: str | None,
    config: Path,
    speaker: Speaker,
) -> None:
    """Let somebody in: prints a link by which they set their password once."""
    signing_in = _people_of(config)
    if takes_password:
        person = signing_in.add(name, role, _password(), by=COMMAND)
        speaker.say(f"{person.name} signs in by name and password, as {role}.")
        speaker.result(_shown(person))
        return
    token = signing_in.invite(role, by=COMMAND, name=name)
    link = invitation_address(address or signing_in.address or USUAL_ADDRESS, token)
    speaker.say(f"{link}\nThis link lets {name} in once, as {role}. It is not shown again.")
    speaker.result({"link": link, "name": name, "role": role})


@people.command("list")
@common_options
def list_people(config: Path, speaker: Speaker) -> None:
    """Everybody there ever was, and the links that nobody has used yet."""
    signing_in = _people_of(config)
    everybody = signing_in.stores.persons.all()
    sessions = signing_in.stores.sessions.count()
    links = signing_in.stores.invitations.open(datetime.now(UTC).timestamp())
    speaker.table(
        f"{len(everybody)} people",
        ["id", "name", "role", "since", "signed in", "state"],
        [
            [
                person.person_id,
                person.name,
                person.role,
                _day(person.created_at),
                sessions.get(person.person_id, 0),
                _state(person),
            ]
            for person in everybody
        ],
        text_columns=("name", "role", "state"),
    )
    for link in links:
        speaker.say(
            f"A link of kind {link.kind} for {link.name or 'whoever opens it'}, role {link.role},"
            f" until {_day(link.expires_at)}."
        )
    speaker.result(
        {
            "people": [
                {**_shown(person), "sessions": sessions.get(person.person_id, 0)}
                for person in everybody
            ],
            "links": [{"kind": link.kind, "name": link.name, "role": link.role} for link in links],
        }
    )


@people.command()
@click.argument("name")
@role_option
@common_options
def role(name: str, role: Role, config: Path, speaker: Speaker) -> None:
    """Give somebody another role; running servers know it within five seconds."""
    signing_in = _people_of(config)
    person = signing_in.named(name)
    signing_in.change_role(person.person_id, role, by=COMMAND)
    speaker.say(f"{person.name} is {role} now.")
    speaker.result({**_shown(person), "role": role})


@people.command("sign-out")
@click.argument("name")
@common_options
def sign_out(name: str, config: Path, speaker: Speaker) -> None:
    """End every session of somebody."""
    signing_in = _people_of(config)
    person = signing_in.named(name)
    signing_in.sign_out(person.person_id, by=COMMAND)
    speaker.say(f"{person.name} is signed out everywhere.")
    speaker.result(_shown(person))


@people.command()
@click.argument("name")
@click.option("--forget", is_flag=True, help="Also remove the name from the list of all.")
@common_options
def remove(name: str, forget: bool, config: Path, speaker: Speaker) -> None:
    """Let somebody in no more. Sessions and links end; the audit log keeps what they did."""
    signing_in = _people_of(config)
    stored = signing_in.stores.persons.by_id(name) if forget else None
    person = stored or signing_in.named(name)
    if forget:
        signing_in.forget(person.person_id, by=COMMAND)
    else:
        signing_in.remove(person.person_id, by=COMMAND)
    speaker.say(f"{person.name} is let in no more.")
    speaker.result(_shown(person))


@people.command("link")
@click.argument("name")
@click.option(
    "--address", help=f"Where people reach the server; people.address, else {USUAL_ADDRESS}."
)
@common_options
def password_link(name: str, address: str | None, config: Path, speaker: Speaker) -> None:
    """Print a link by which somebody sets a new password once."""
    signing_in = _people_of(config)
    person = signing_in.named(name)
    token = signing_in.offer_password(person.person_id, by=COMMAND)
    link = invitation_address(address or signing_in.address or USUAL_ADDRESS, token)
    speaker.say(f"{link}\nThis link sets the password of {person.name} once.")
    speaker.result({"link": link, **_shown(person)})


def _people_of(config: Path) -> People:
    settings = load_shop(config)
    stores = open_stores(settings.database_url(settings.store.url))
    return People(stores.people, stores.audit, lambda: datetime.now(UTC), settings.people)


def _password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def _state(person: Person) -> str:
    if person.removed_at is not None:
        return f"removed {_day(person.removed_at)}"
    return "by OpenID" if person.subject else "in force"


def _shown(person: Person) -> dict[str, object]:
    return {
        "id": person.person_id,
        "name": person.name,
        "role": person.role,
        "state": _state(person),
    }


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
