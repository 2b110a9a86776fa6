"""The weekly digest: what it holds, who is not in it, and what happens when it cannot be sent."""

import re
import ssl
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address

import pandas as pd
import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from features.errors import ConfigError
from serving.commands.main import main
from serving.digest.mark import last_sent
from serving.digest.message import digest_html, digest_text
from serving.digest.sending import deliver, digest_of, is_due, send_when_due
from serving.settings import DigestSettings
from tests.serving.conftest import client_of
from tests.support.economics import ECONOMICS
from tests.support.scores import run_info, score_tables
from tests.support.shop import shop_settings, write_config
from tests.support.smtp import mail_server
from tests.support.stores import fresh_runs

AT = datetime(2026, 3, 4, 6, 0, tzinfo=UTC)
MAIL = {
    "smtp_host": "127.0.0.1",
    "security": "none",
    "sender": "shop@example.org",
    "to": ["ann@example.org", "bob@example.org"],
    "address": "https://regulars.example.org",
    "unsubscribe": "mailto:shop@example.org?subject=unsubscribe",
}


@pytest.fixture(scope="module")
def runs():
    """Sixty customers, of whom a third has refused and a third has consented."""
    scores, products = score_tables(60)
    scores["consent"] = pd.array([[True, False, None][n % 3] for n in range(60)], dtype="boolean")
    scores["name"] = pd.Series([f"<Ann {n}>" for n in range(60)], dtype="str")
    runs = fresh_runs()
    runs.publish(run_info(economics={**ECONOMICS, "consent_known": True}), scores, products)
    return runs


def shop(folder, runs, **changes):
    store = {"url": f"sqlite:///{runs.engine.url.database}"}
    return shop_settings(folder, digest={**MAIL, **changes}, store=store)


def test_it_names_those_of_the_first_page_who_may_be_contacted(runs, tmp_path):
    digest = digest_of(shop(tmp_path, runs), runs, runs.engine, AT)
    assert digest.groups
    client = client_of(runs)
    for group in digest.groups:
        listed = client.get(group.link.removeprefix("https://regulars.example.org")).text
        in_all = int(re.search(r"<strong>([\d,]+) customers?</strong>", listed)[1])
        inside = int(re.match(r"[\d,]+", group.summary)[0])
        numbers = [int(found) for found in re.findall(r"(\d+) (?:who refused|without)", group.more)]
        assert inside + sum(numbers) == in_all
        names = {line.link.rpartition("/")[2] for line in group.lines}
        documents = [client.get(f"/v1/customers/{name}").json() for name in names]
        assert {document["consent"] for document in documents} == {True}
        assert len(group.lines) == min(inside, 5)


def test_both_parts_say_the_same_in_the_readers_language(runs, tmp_path):
    for language in ("en", "zh"):
        settings = shop(tmp_path, runs, language=language)
        digest = digest_of(settings, runs, runs.engine, AT)
        html, text = digest_html(digest), digest_text(digest)
        assert "<Ann" not in html
        plain = re.sub(r"<[^>]*>", "", html).replace("&lt;", "<").replace("&gt;", ">")
        for group in digest.groups:
            for line in group.lines:
                assert line.name in text
                assert line.name in plain
                assert line.figure in text
                assert line.figure in plain
    assert "本周" in digest.title


def test_it_is_sent_once_a_week_and_again_after_a_failure(runs, tmp_path):
    with mail_server(recipient_code=550) as refusing:
        settings = shop(tmp_path, runs, smtp_port=refusing.port)
        sentence = send_when_due(settings, runs, runs.engine, AT)
    assert sentence == (
        "The digest was not sent: 127.0.0.1 takes it for nobody (SMTP 550). "
        "The next run tries again."
    )
    assert last_sent(settings) is None
    gone = send_when_due(settings, runs, runs.engine, AT)
    assert gone.startswith("The digest was not sent: 127.0.0.1:")
    assert "example.org" not in sentence + gone
    with mail_server() as server:
        settings = shop(tmp_path, runs, smtp_port=server.port)
        assert send_when_due(settings, runs, runs.engine, AT) == "The digest was sent (2)."
        assert send_when_due(settings, runs, runs.engine, AT) is None
        (message,) = server.kept
    assert last_sent(settings) == date(2026, 3, 4)
    assert message["To"] == "ann@example.org, bob@example.org"
    assert message["List-Unsubscribe"] == "<mailto:shop@example.org?subject=unsubscribe>"
    kinds = [part.get_content_type() for part in message.iter_parts()]
    assert kinds == ["text/plain", "text/html"]
    digest = digest_of(settings, runs, runs.engine, AT)
    text, html = (part.get_content() for part in message.iter_parts())
    assert text.replace("\r\n", "\n").strip() == digest_text(digest).strip()
    assert html.replace("\r\n", "\n").strip() == digest_html(digest).strip()


@pytest.mark.parametrize(
    ("last", "today", "due"),
    [
        (None, date(2026, 3, 4), True),
        (date(2026, 3, 2), date(2026, 3, 8), False),
        (date(2026, 3, 2), date(2026, 3, 9), True),
        (date(2026, 3, 1), date(2026, 3, 2), True),
        (date(2026, 3, 4), date(2026, 3, 9), True),
    ],
)
def test_the_latest_monday_without_one_makes_it_due(last, today, due):
    assert is_due(DigestSettings(), last, today) is due


def test_a_password_comes_from_the_environment(runs, tmp_path):
    settings = shop(tmp_path, runs, user="shop")
    with pytest.raises(ConfigError, match="no password in REGULARS_SMTP_PASSWORD"):
        deliver(None, settings.digest, {})


def test_the_command_writes_it_to_a_file_or_says_what_is_missing(runs, tmp_path):
    write_config(shop(tmp_path, runs, sender=None))
    config = ["--config", str(tmp_path / "regulars.toml")]
    for ending in ("html", "txt"):
        file = tmp_path / f"digest.{ending}"
        done = CliRunner().invoke(main, ["digest", "--to-file", str(file), *config])
        assert (done.exit_code, done.stdout) == (0, f"Wrote {file}\n")
        assert "Your customers this week" in file.read_text()
    refused = CliRunner().invoke(main, ["digest", *config])
    assert refused.exit_code == 2
    assert "A digest by e-mail needs digest.sender" in refused.stderr


@pytest.fixture(scope="module")
def own_authority(tmp_path_factory):
    """A context of a server whose certificate no system trusts, and the file of its authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "The shop's own")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("authority")
    authority, secret = folder / "ca.pem", folder / "key.pem"
    authority.write_bytes(certificate.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, secret)
    return context, authority


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_an_encrypted_server_is_trusted_by_its_authority_alone(
    runs, tmp_path, own_authority, security
):
    context, authority = own_authority
    with mail_server(**{security: context}) as server:
        plain = {"smtp_port": server.port, "security": security}
        sentence = send_when_due(shop(tmp_path, runs, **plain), runs, runs.engine, AT)
        assert "shows a certificate that is not trusted" in sentence
        assert server.kept == []
        settings = shop(tmp_path, runs, **plain, ca_file=str(authority))
        assert send_when_due(settings, runs, runs.engine, AT) == "The digest was sent (2)."
        assert len(server.kept) == 1


def test_a_file_without_certificates_is_named(runs, tmp_path):
    settings = shop(tmp_path, runs, security="tls", ca_file="none.pem")
    sentence = send_when_due(settings, runs, runs.engine, AT)
    assert "digest.ca_file: " in sentence
    assert "none.pem cannot be read as certificates" in sentence
