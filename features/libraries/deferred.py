"""Libraries that a process imports when it first uses them, instead of at its start.

Modules import them at their top as ever; a process that computes with none of them, such as the
one that scores single customers, never pays for them. It works where modules only name them in
functions and annotations: `from __future__ import annotations` leaves those unevaluated.
"""

import sys
from collections.abc import Iterable
from importlib import import_module
from types import ModuleType
from typing import Any

_OF_MACHINERY = {"__spec__", "__file__", "__path__", "__wrapped__"}
"""Looked at by imports and inspections, which are no use."""


class DeferredModule(ModuleType):
    """Stands for a module until the first use of something in it."""

    def __getattr__(self, name: str) -> Any:
        if name in _OF_MACHINERY:
            raise AttributeError(name)
        library = self.__name__.partition(".")[0]
        standing = [
            key
            for key, module in sys.modules.items()
            if key.partition(".")[0] == library and isinstance(module, DeferredModule)
        ]
        for key in standing:
            del sys.modules[key]
        # what is bound to this object in other modules goes on to ask it
        return getattr(import_module(self.__name__), name)


def defer(names: Iterable[str]) -> None:
    """Import these modules when they are first used; those that are imported already stay.

    Parameters
    ----------
    names : of libraries and, behind each, of its parts that are imported by name
    """
    for name in names:
        if name in sys.modules:
            continue
        library, _, part = name.partition(".")
        module = sys.modules[name] = DeferredModule(name)
        if part:
            setattr(sys.modules[library], part, module)


def is_loaded(name: str) -> bool:
    """Whether a module has been imported, and not only deferred."""
    module = sys.modules.get(name)
    return module is not None and not isinstance(module, DeferredModule)
