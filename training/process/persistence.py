"""Fitted parameters as JSON-safe dictionaries, and back without losing a bit."""

import math
from collections.abc import Sequence
from typing import Any, TypeGuard

from training.errors import BundleError


def checked(
    values: dict[str, Any],
    *,
    model: str,
    positive: Sequence[str],
    finite: Sequence[str] = (),
    other: dict[str, type] | None = None,
) -> dict[str, Any]:
    """Check what `to_dict` wrote before it becomes a model.

    Parameters
    ----------
    values : the dictionary, as read from JSON
    model : the expected value of its key `model`
    positive, finite : keys that hold finite numbers, the former above zero
    other : further keys and the types of their values

    Returns
    -------
    `values` without `model`.

    Raises
    ------
    BundleError
        If it is of another model, lacks or has unknown keys, or holds impossible values.
    """
    other = other or {}
    if values.get("model") != model:
        raise BundleError(f"Expected a {model} model, found {values.get('model')!r}.")
    expected = {"model", *positive, *finite, *other}
    if values.keys() != expected:
        differing = ", ".join(sorted(map(str, values.keys() ^ expected)))
        raise BundleError(f"{model}: missing or unknown keys: {differing}.")
    wrong = [name for name in (*positive, *finite) if not _is_finite(values[name])]
    wrong += [name for name in positive if name not in wrong and values[name] <= 0]
    wrong += [name for name, kind in other.items() if type(values[name]) is not kind]
    if wrong:
        raise BundleError(f"{model}: impossible values of {', '.join(wrong)}.")
    return {name: value for name, value in values.items() if name != "model"}


def _is_finite(value: object) -> TypeGuard[float]:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]
