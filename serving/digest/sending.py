"""Sends the digest, once a week; a failure is a sentence and is tried again by the next run."""

import os
import smtplib
import ssl
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from features.errors import ConfigError, RegularsError
from serving.audit.store import COMMAND, AuditEntry, AuditLog
from serving.campaigns.service import CampaignService
from serving.campaigns.store import CampaignStore
from serving.digest.content import Digest, DigestWriter
from serving.digest.mark import last_sent, sent_on
from serving.digest.message import message_of
from serving.errors import DigestNotSent
from serving.runs.store import RunStore
from serving.settings import WEEKDAYS, DigestSettings, Settings

SECONDS = 30
"""How long the mail server may take to answer."""


def digest_of(settings: Settings, runs: RunStore, engine: Engine, at: datetime) -> Digest:
    """The digest of the latest run, in the language of the settings."""
    return DigestWriter(
        runs,
        runs.facets,
        CampaignService(CampaignStore(engine), lambda: at),
        language=settings.digest.language or settings.store.exports_language,
        address=settings.digest.address,
    ).digest()


def send_when_due(settings: Settings, runs: RunStore, engine: Engine, at: datetime) -> str | None:
    """Send the digest of this week where it has not been sent; what became of it, in words.

    None where no mail server is set or nothing is due. It never fails: what went wrong is said,
    without an address, and the next run tries again.
    """
    if settings.digest.smtp_host is None:
        return None
    today = at.astimezone(ZoneInfo(settings.data.timezone)).date()
    if not is_due(settings.digest, last_sent(settings), today):
        return None
    try:
        send_now(settings, runs, engine, at)
    except (RegularsError, ValueError) as error:  # an address may be none that a header takes
        return f"The digest was not sent: {error} The next run tries again."
    return f"The digest was sent ({len(settings.digest.to)})."


def send_now(settings: Settings, runs: RunStore, engine: Engine, at: datetime) -> None:
    """Send the digest, whatever the day, and remember that.

    Raises
    ------
    ConfigError
        When the settings name no mail server, sender or reader.
    DigestNotSent
        When the mail server does not take it.
    RegularsError
        When there is no run, or the sending cannot be written down.
    """
    check_complete(settings.digest)
    message = message_of(digest_of(settings, runs, engine, at), settings.digest, at)
    detail = f"digest by e-mail ({len(settings.digest.to)})"
    AuditLog(engine).record(AuditEntry(at=at, who=COMMAND, action="export", count=0, detail=detail))
    ca_file = settings.digest.ca_file
    own_authority = None if ca_file is None else settings.path(ca_file)
    deliver(message, settings.digest, os.environ, own_authority)
    sent_on(settings, at.astimezone(ZoneInfo(settings.data.timezone)).date())


def is_due(settings: DigestSettings, last: date | None, today: date) -> bool:
    """Whether the latest day on which a digest is sent has passed without one.

    >>> monday = DigestSettings()
    >>> is_due(monday, date(2026, 3, 2), date(2026, 3, 8)), is_due(monday, date(2026, 3, 1), date(2026, 3, 3))
    (False, True)
    """
    since = (today.weekday() - WEEKDAYS.index(settings.weekday)) % len(WEEKDAYS)
    return last is None or last < today - timedelta(days=since)


def check_complete(settings: DigestSettings) -> None:
    """Refuse settings that cannot send anything, naming what they lack."""
    needed = {"smtp_host": settings.smtp_host, "sender": settings.sender, "to": settings.to}
    if missing := [f"digest.{name}" for name, value in needed.items() if not value]:
        raise ConfigError(f"A digest by e-mail needs {', '.join(missing)} in regulars.toml.")


def deliver(
    message: EmailMessage,
    settings: DigestSettings,
    environment: Mapping[str, str],
    ca_file: Path | None = None,
) -> None:
    """Hand the message to the mail server; `ca_file` is trusted beside the system's authorities.

    Raises
    ------
    DigestNotSent
        When it cannot be reached or does not take it; names no address.
    ConfigError
        When the password is not in the environment, or `ca_file` cannot be read.
    """
    password = environment.get(settings.password_variable)
    if settings.user is not None and not password:
        raise ConfigError(f"digest.user: no password in {settings.password_variable}.")
    host, port = settings.smtp_host or "", settings.smtp_port
    context = _trusting(ca_file)
    try:
        server: smtplib.SMTP
        if settings.security == "tls":
            server = smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=context)
        else:
            server = smtplib.SMTP(host, port, timeout=SECONDS)
        with server:
            if settings.security == "starttls":
                server.starttls(context=context)
            if settings.user is not None and password is not None:
                server.login(settings.user, password)
            refused = server.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        codes = {str(code) for code, _ in error.recipients.values()}
        raise DigestNotSent(f"{host} takes it for nobody (SMTP {', '.join(codes)}).") from None
    except smtplib.SMTPResponseException as error:
        raise DigestNotSent(f"{host} refused it (SMTP {error.smtp_code}).") from None
    except ssl.SSLCertVerificationError as error:
        raise DigestNotSent(
            f"{host}:{port} shows a certificate that is not trusted ({error.verify_message}). If it "
            "is of your own authority, name the file of that in digest.ca_file."
        ) from None
    except (OSError, smtplib.SMTPException) as error:
        raise DigestNotSent(f"{host}:{port} cannot be used ({type(error).__name__}).") from None
    if refused:
        raise DigestNotSent(f"{host} took it, but not for {len(refused)} of its readers.")


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    """The system's authorities, and those of `ca_file`."""
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:  # `ssl.SSLError` is one
            raise ConfigError(
                f"digest.ca_file: {ca_file} cannot be read as certificates ({type(error).__name__})."
            ) from None
    return context
