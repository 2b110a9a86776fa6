"""The container files, held to the command line, the settings and good custom."""

import json
import re
from pathlib import Path

import pytest
import yaml

from features.settings.loading import load_settings
from serving.commands.main import COMMANDS, main
from serving.server.server import STOP_SECONDS
from serving.settings import Serve, Settings
from serving.web.access import ACCESS

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
PINNED = re.compile(r"[a-z]+:\d+\.\d+(\.\d+)?-[a-z-]+")


def instructions():
    """(instruction, its text) of the Dockerfile, continued lines joined."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def words(name):
    return [text for instruction, text in instructions() if instruction == name]


def options_of(command):
    context = main.get_command(None, command)
    return {option for parameter in context.params for option in parameter.opts}


def test_images_are_pinned_to_a_release_and_the_same_in_both_stages():
    images = {text.split()[0] for text in words("FROM")}
    assert len(images) == 1
    assert all(PINNED.fullmatch(image) for image in images)
    foreign = [one["image"] for one in SERVICES.values() if "build" not in one]
    assert foreign
    assert all(PINNED.fullmatch(image) for image in foreign)


def test_the_process_is_not_root_and_gets_the_signal_itself():
    assert words("USER") == ["10001:10001"]
    order = [name for name, _ in instructions()]
    assert order.index("USER") < order.index("ENTRYPOINT")
    assert json.loads(words("ENTRYPOINT")[0]) == ["regulars"]
    assert words("STOPSIGNAL") == ["SIGTERM"]


def test_what_is_copied_is_there_and_let_through():
    let_through = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"
    }
    copied = {
        name
        for text in words("COPY")
        if not text.startswith("--from")
        for name in text.split()[:-1]
    }
    assert copied == let_through
    assert all((ROOT / name).exists() for name in copied)


@pytest.mark.parametrize(
    "command",
    [json.loads(words("CMD")[0]), *(SERVICES[name]["command"] for name in ("server", "job"))],
)
def test_commands_exist_with_their_options(command):
    assert command[0] in COMMANDS
    assert {word for word in command if word.startswith("--")} <= options_of(command[0])


def test_health_is_asked_where_the_server_answers():
    (check,) = words("HEALTHCHECK")
    port = words("EXPOSE")[0]
    assert f"127.0.0.1:{port}/readyz" in check
    assert ACCESS["GET", "/readyz"] == "public"
    assert json.loads(words("CMD")[0])[-1] == port
    assert all("healthcheck" in SERVICES[name] for name in ("database", "mlflow"))


def test_a_stop_is_waited_for_longer_than_it_may_take():
    grace = int(SERVICES["server"]["stop_grace_period"].removesuffix("s"))
    longest = next(
        one.le for one in Serve.model_fields["drain_seconds"].metadata if hasattr(one, "le")
    )
    assert grace > STOP_SECONDS + longest


def test_nothing_is_published_to_other_machines_and_no_password_is_written_down():
    ports = [port for one in SERVICES.values() for port in one.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    for one in SERVICES.values():
        for name, value in one.get("environment", {}).items():
            assert "PASSWORD" not in name or value.startswith("${POSTGRES_PASSWORD:?")


def test_our_containers_may_do_little():
    for name, one in SERVICES.items():
        if "build" in one:
            assert one["cap_drop"] == ["ALL"], name
            assert one["security_opt"] == ["no-new-privileges:true"], name
            assert "privileged" not in one


def test_variables_are_the_ones_that_the_documentation_names():
    named = {name for text in words("ENV") for name in re.findall(r"(\w+)=", text)}
    named |= {name for one in SERVICES.values() for name in one.get("environment", {})}
    assert {name for name in named if f"`{name}`" not in OPERATIONS} == set()


def test_the_settings_for_the_containers_load(tmp_path):
    (settings,) = re.findall(r"```toml\n# shop/regulars.toml\n(.*?)```", OPERATIONS, re.DOTALL)
    (tmp_path / "regulars.toml").write_text(settings)
    loaded = load_settings(tmp_path / "regulars.toml", Settings)
    database = SERVICES["database"]["environment"]
    address = f"postgresql://{database['POSTGRES_USER']}@database:5432/{database['POSTGRES_DB']}"
    assert loaded.store.url == address


def test_commands_and_options_of_the_operators_page_exist():
    lines = re.findall(r"^(?:docker compose .* job |regulars )(.+)$", OPERATIONS, re.MULTILINE)
    assert len(lines) > 5
    for line in lines:
        command, *rest = line.split("#")[0].split()
        assert command in COMMANDS, line
        if command in ("keys", "people"):
            known = {
                option
                for parameter in main.get_command(None, command).commands[rest[0]].params
                for option in parameter.opts
            }
        else:
            known = options_of(command)
        assert {word for word in rest if word.startswith("--")} <= known, line
