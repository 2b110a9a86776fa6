"""Calls to addresses that others chose: where they lead, and how long they take."""

import asyncio
import socket
import ssl
import struct
import threading
from contextlib import suppress
from ipaddress import ip_address

import pytest

from features.errors import ConfigError
from serving.changes.webhook_calls import (
    MOST_ANSWER_BYTES,
    Caller,
    CallFailed,
    CallRules,
    is_public,
)
from tests.support.receiver import receiving

OPEN = CallRules(seconds=5, private_addresses=True, plain_http=True)
STRICT = CallRules(seconds=5, plain_http=True)

PRIVATE = [
    *("127.0.0.1", "127.255.0.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1"),  # noqa: S104
    *("169.254.169.254", "100.64.0.1", "192.0.2.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "fe80::1%1", "fc00::1", "fec0::1", "ff02::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "2002:a00:1::1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2001:0:4136:e378:8000:63bf:3fff:fdd2"),
]
PUBLIC = [
    *("1.1.1.1", "93.184.216.34", "2606:4700::1111"),
    *("::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1"),
]


@pytest.mark.parametrize("text", PRIVATE)
def test_what_is_not_of_the_open_internet_is_not_public(text):
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_addresses_of_the_open_internet_are_public(text):
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "①②⑦.0.0.1"),
        *("[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[fe80::1]", "169.254.169.254"),
        *("10.0.0.1", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"),
    ],
)
def test_private_addresses_are_refused_at_once_however_they_are_written(host):
    with pytest.raises(ConfigError, match="open internet"):
        Caller(STRICT).checked(f"http://{host}:8080/x")


@pytest.mark.parametrize(
    "url",
    [
        *("", "x", "crm.example.com/hook", "ftp://example.com/", "file:///etc/passwd", "https://"),
        *("https://user@example.com/", "https://a:b@example.com/", "https://example.com/#a"),
        *(
            "https://exa mple.com/",
            "https://example.com:99999/",
            "https://example.com/" + "x" * 2000,
        ),
        *("gopher://example.com/", "javascript:alert(1)", "https://[::1", "//example.com"),
    ],
)
def test_what_is_no_address_to_call_is_refused(url):
    with pytest.raises(ConfigError, match="url"):
        Caller(OPEN).checked(url)


def test_only_https_is_called_unless_allowed():
    with pytest.raises(ConfigError, match="only https"):
        Caller(CallRules()).checked("http://example.com/")
    assert Caller(CallRules()).checked("https://Example.com:443/ü?q=ü") == (
        "https://example.com/%C3%BC?q=%C3%BC"
    )


def post(url, rules=OPEN, **options):
    caller = Caller(rules, **options)
    return asyncio.run(caller.post(url, {"content-type": "application/json"}, b"{}"))


async def to_loopback(_host, _port):
    return ["127.0.0.1"]


async def both(_host, _port):
    return ["93.184.216.34", "::1"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]"])
def test_names_that_lead_inside_are_not_connected_to(host):
    with receiving() as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        with pytest.raises(CallFailed, match="open internet"):
            post(f"http://{host}:{port}/hook", STRICT)
        assert receiver.came == []


@pytest.mark.parametrize("resolve", [to_loopback, both])
def test_one_address_inside_among_those_of_a_name_is_enough_to_refuse(resolve):
    with pytest.raises(CallFailed, match="open internet"):
        post("http://crm.example.com/", STRICT, resolve=resolve)


def test_a_name_is_resolved_once_and_what_was_checked_is_connected_to():
    asked = []

    async def first_outside(host, port):
        asked.append((host, port))
        return ["127.0.0.1"]

    with receiving() as receiver:
        address = receiver.url.replace("127.0.0.1", "rebinding.example.com")
        assert post(address, OPEN, resolve=first_outside).status == 200
        headers, body = receiver.came[0]
    port = int(receiver.url.split(":")[2].split("/")[0])
    assert asked == [("rebinding.example.com", port)]
    assert headers["host"] == f"rebinding.example.com:{port}"
    assert (headers["content-length"], body) == ("2", b"{}")


def test_a_redirect_is_an_answer_and_not_followed():
    with receiving() as inner, receiving() as receiver:
        receiver.status, receiver.headers = 302, {"Location": inner.url}
        assert post(receiver.url).status == 302
        assert inner.came == []


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("120", 120), ("soon", None), ("-1", None), ("9" * 9, None), ("Wed, 21 Oct 2026", None)],
)
def test_the_pause_that_was_asked_for_is_read(said, seconds):
    with receiving() as receiver:
        receiver.status, receiver.headers = 429, {"Retry-After": said}
        assert post(receiver.url).retry_after_seconds == seconds


def test_a_large_answer_is_not_read():
    with receiving() as receiver:
        receiver.body = b"x" * (MOST_ANSWER_BYTES * 2)
        with pytest.raises(CallFailed, match="larger"):
            post(receiver.url)


def test_nobody_there_is_told():
    with pytest.raises(CallFailed, match="cannot be reached"):
        post("http://127.0.0.1:1/")
    with pytest.raises(CallFailed, match="cannot be reached"):
        post(f"http://{'a' * 70}.example.com/", resolve=_no_name)


async def _no_name(_host, _port):
    raise socket.gaierror


def spoken(answer, rules=OPEN):
    """Post to a socket that says `answer` and nothing else."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer_once():
            connection, _ = server.accept()
            # The caller may end while this still speaks.
            with connection, suppress(ConnectionError):
                connection.recv(65_536)
                for part in answer:
                    connection.sendall(part)

        thread = threading.Thread(target=answer_once)
        thread.start()
        try:
            return post(f"http://127.0.0.1:{server.getsockname()[1]}/", rules)
        finally:
            thread.join()


@pytest.mark.parametrize(
    "answer", [[b"SSH-2.0-OpenSSH\r\n\r\n"], [b""], [b"HTTP/1.1 200 OK\r\nX"], [b"\0" * 100]]
)
def test_what_is_not_http_is_told(answer):
    with pytest.raises(CallFailed, match=r"not HTTP|closed"):
        spoken(answer)


def test_a_reset_is_told_as_one():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def reset():
            connection, _ = server.accept()
            connection.recv(1)
            # closed at once, with what was sent unread
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

        thread = threading.Thread(target=reset)
        thread.start()
        with pytest.raises(CallFailed, match="closed before the answer"):
            post(f"http://127.0.0.1:{server.getsockname()[1]}/")
        thread.join()


def test_first_words_are_no_answer():
    answer = [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n"]
    assert spoken(answer).status == 204


def test_a_receiver_that_drips_ends_with_the_time_for_all():
    stop = threading.Event()

    def drip():
        yield b"HTTP/1.1 200 OK\r\n"
        while not stop.wait(0.05):
            yield b"x"

    timer = threading.Timer(1.0, stop.set)
    timer.start()
    with pytest.raises(CallFailed, match=r"within 0\.3 seconds"):
        spoken(drip(), CallRules(seconds=0.3, private_addresses=True, plain_http=True))


def test_a_receiver_without_a_certificate_is_refused():
    with receiving() as receiver, pytest.raises(CallFailed, match="TLS"):
        post(receiver.url.replace("http:", "https:"))


def test_certificates_and_names_are_checked():
    tls = Caller(OPEN)._tls
    assert (tls.verify_mode, tls.check_hostname) == (ssl.CERT_REQUIRED, True)
