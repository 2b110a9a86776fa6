"""`regulars promote`, written into the audit log."""

from typing import Any

from serving.commands.audited import audited
from serving.commands.training import promote as training_promote


def _told(arguments: dict[str, Any]) -> tuple[int, str]:
    names, version = arguments["names"], arguments["version"]
    which = f"version {version}" if version else "challengers that are not worse"
    return len(names), f"{', '.join(names) or 'all models'}: {which}"


promote = audited(training_promote, "promote", _told)
