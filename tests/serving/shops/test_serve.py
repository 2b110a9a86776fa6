"""`regulars serve --shops` and the keys of the server itself, as processes and commands."""

import json
import signal
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest
from click.testing import CliRunner

from serving.commands.main import main
from serving.shops.serve import SERVER_STORE
from tests.serving.shops.conftest import add_shop
from tests.support.servers import free_port
from tests.support.workers import wait_until

LINE = {"order_id": "1", "ordered_at": "2024-11-28T10:00:00Z", "amount": 4.5}


def run(*words):
    return CliRunner().invoke(main, list(words))


def test_keys_of_the_server_are_kept_beside_the_shops(tmp_path):
    made = run("keys", "create", "--scope", "read", "--shops", str(tmp_path), "--json")
    assert made.exit_code == 0, made.output
    key_id = json.loads(made.output)["key_id"]
    assert (tmp_path / SERVER_STORE).is_file()
    listed = json.loads(run("keys", "list", "--shops", str(tmp_path), "--json").output)["keys"]
    assert [key["key_id"] for key in listed] == [key_id]
    assert run("keys", "revoke", key_id, "--shops", str(tmp_path)).exit_code == 0
    listed = json.loads(run("keys", "list", "--shops", str(tmp_path), "--json").output)["keys"]
    assert listed[0]["state"] == "revoked"


def test_a_folder_that_is_not_there_is_one_line(tmp_path):
    for words in (("serve",), ("keys", "list")):
        refused = run(*words, "--shops", str(tmp_path / "none"))
        assert refused.exit_code == 2
        assert "no such folder. It holds a folder for each shop." in refused.output


def answer(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
        return json.loads(response.read())


def group_of(pid):
    """The processes that were started with a server, itself included."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[2]) == pid:
                found.append(int(stat.parent.name))
    return found


@pytest.mark.slow
def test_the_process_scores_for_every_shop_and_leaves_nothing_behind(trained, tmp_path):
    bundles = trained.settings.path(trained.settings.store.bundles)
    for name in ("alpha", "beta"):
        add_shop(tmp_path, bundles, name)
    port = free_port()
    command = (sys.executable, "-m", "serving.commands.main", "serve")
    options = ("--shops", str(tmp_path), "--port", str(port), "--scorers", "1")
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.DEVNULL, start_new_session=True
    ) as server:
        address = f"http://127.0.0.1:{port}"

        def is_up():
            with suppress(HTTPError, URLError, ConnectionError):
                told = [answer(f"{address}/shops/{name}/readyz") for name in ("alpha", "beta")]
                return all(shop["scorer"] == "ready" for shop in told)
            return False

        try:
            wait_until(is_up, seconds=120)
            # one process for both: each is asked twice, and gives way to the other
            for name in ("alpha", "beta", "alpha", "beta"):
                body = {"customer_id": name, "lines": [LINE]}
                assert answer(f"{address}/shops/{name}/v1/score", body)["customer_id"] == name
            assert len(group_of(server.pid)) == 3
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(60)
        wait_until(lambda: not group_of(server.pid))
