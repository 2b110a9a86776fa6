"""`regulars.toml`, read once at the edge into a frozen value.

Unknown keys are refused and every problem of a file is reported at once, each with
the setting it belongs to. Relative paths count from the folder of the file. Which settings
there are is a matter of the class that is asked for.
"""

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from features.errors import ConfigError
from features.settings.section import Section

CONFIG_NAME = "regulars.toml"

SettingsClass = TypeVar("SettingsClass", bound=Section)


def load_settings(path: Path | str, settings_class: type[SettingsClass]) -> SettingsClass:
    """Read and check a configuration file.

    Parameters
    ----------
    path : path of the TOML file
    settings_class : the sections there may be; `serving.settings.Settings` has all of them

    Returns
    -------
    A frozen value of `settings_class`; its `root` is the folder of the file.

    Raises
    ------
    ConfigError
        Listing every problem of the file, one line each.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: no such file. `regulars init FILE` writes one by looking at your orders."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}).") from None
    try:
        values = tomllib.loads(text)
    except RecursionError:
        raise ConfigError(f"{path}: not valid TOML: nested too deep.") from None
    except ValueError as error:
        # not all that the reader refuses is an error of its own: integers too long are not
        first_line = str(error).partition(";")[0]
        raise ConfigError(f"{path}: not valid TOML: {first_line}.") from None
    if "root" in values:
        raise ConfigError(f"{path}: unknown setting 'root'.")
    return settings_from(values, settings_class, root=path.parent, name=str(path))


def settings_from(
    values: dict[str, Any],
    settings_class: type[SettingsClass],
    *,
    root: Path,
    name: str = CONFIG_NAME,
) -> SettingsClass:
    """Check `values` (as parsed from TOML) and freeze them; see `load_settings`."""
    try:
        return settings_class.model_validate({**values, "root": root})
    except ValidationError as error:
        raise ConfigError([_sentence(name, problem) for problem in error.errors()]) from None


def _sentence(name: str, problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"]).removesuffix(".[key]")
    match problem["type"]:
        case "extra_forbidden":
            return f"{name}: unknown setting '{where}'. Remove it or correct its name."
        case "missing":
            return f"{name}: '{where}' is missing. Add it."
        case "value_error":
            # the money of an order and the place of orders are a matter of several settings
            where = where.removesuffix(".unit_price").removesuffix(".query")
            return f"{name}: '{where}': {problem['ctx']['error']}."
        case _:
            came = repr(problem["input"])
            # a URL may hold a password
            shown = "" if "://" in came else f" (it is {came})"
            return f"{name}: '{where}': {problem['msg']}{shown}."
