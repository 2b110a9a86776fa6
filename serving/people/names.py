"""Names of people who sign in."""

import unicodedata

from features.errors import ConfigError
from features.language.message import mark

MOST_CHARACTERS = 100
UNUSABLE_NAME = mark("A name has 1 to 100 characters, and none that cannot be seen.")


def usable_name(name: str) -> str:
    """A name as it is shown: without blanks around it, and with single ones inside.

    Raises
    ------
    ConfigError
        When nothing is left of it, or it is too long or holds what cannot be seen.
    """
    shown = " ".join(name.split())
    if not 0 < len(shown) <= MOST_CHARACTERS or not shown.isprintable():
        raise ConfigError(UNUSABLE_NAME)
    return shown


def sign_in_name_of(name: str) -> str:
    """What is compared when somebody signs in: case, width and blanks do not count."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
