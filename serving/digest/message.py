"""The digest as one message with a text and an HTML part."""

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from features.language.languages import html_code
from serving.digest.content import Digest
from serving.settings import DigestSettings
from serving.web.frame import HERE

ID_HOST = "regulars.invalid"
"""Of message ids: the name of the machine is nobody's business."""


def message_of(digest: Digest, settings: DigestSettings, at: datetime) -> EmailMessage:
    """The message, ready to be sent.

    Parameters
    ----------
    at : its date, with the time zone
    """
    message = EmailMessage(policy=SMTP)
    message["Subject"] = f"{digest.title} · {digest.scored}"
    message["From"] = settings.sender
    message["To"] = ", ".join(settings.to)
    message["Date"] = format_datetime(at)
    message["Message-ID"] = make_msgid(domain=ID_HOST)
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = html_code(digest.language)
    if settings.unsubscribe is not None:
        message["List-Unsubscribe"] = f"<{settings.unsubscribe}>"
    message.set_content(digest_text(digest))
    message.add_alternative(digest_html(digest), subtype="html")
    return message


def digest_text(digest: Digest) -> str:
    """The digest as plain text."""
    parts = [digest.title, digest.scored, ""]
    for group in digest.groups:
        parts += [group.title.upper(), *filter(None, (group.summary,)), ""]
        for line in group.lines:
            parts.append(f"- {line.name}: {line.figure}")
            parts += [f"  {line.why}"] if line.why else []
        parts += ["", *filter(None, (group.more, group.link)), ""]
    parts += [*filter(None, (digest.nothing,)), digest.end, *filter(None, (digest.link,))]
    return "\n".join(parts) + "\n"


def digest_html(digest: Digest) -> str:
    """The digest as HTML, with its styles in place, as mail programs need them."""
    return _template().render(digest=digest, code=html_code(digest.language))


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("digest.html")
