"""Texts in an order, such as the ids of a shop's products, and the code of each."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import overload

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
Picked = npt.NDArray[np.int64] | npt.NDArray[np.bool_] | slice


class Names:
    """Distinct texts, each with its place among them as its code.

    What an index of pandas does here, without pandas: the process that scores single customers
    does without it.

    Parameters
    ----------
    values : any that are `str`, in the order of their codes

    Examples
    --------
    >>> names = Names(["tea", "milk"])
    >>> names.codes(["milk", "salt"]).tolist(), names.among(["milk"]).tolist()
    ([1, -1], [False, True])
    """

    def __init__(self, values: Iterable[str]) -> None:
        plain = values.array if isinstance(values, Names) else [*values]
        self.array: npt.NDArray[np.object_] = np.empty(len(plain), dtype=object)
        self.array[:] = plain

    def __len__(self) -> int:
        return len(self.array)

    def __iter__(self) -> Iterator[str]:
        return iter(self.array.tolist())

    @overload
    def __getitem__(self, code: int) -> str: ...
    @overload
    def __getitem__(self, code: Picked) -> "Names": ...
    def __getitem__(self, code: int | Picked) -> "str | Names":
        picked = self.array[code]
        return Names(picked) if isinstance(picked, np.ndarray) else str(picked)

    @cached_property
    def code_of(self) -> dict[str, int]:
        """The code of each text."""
        return {name: code for code, name in enumerate(self.array.tolist())}

    def codes(self, names: Iterable[str]) -> Codes:
        """The code of each of `names`, −1 for those that are not here."""
        code_of = self.code_of
        return np.array([code_of.get(name, -1) for name in names], dtype=np.int64)

    def among(self, names: Iterable[str]) -> npt.NDArray[np.bool_]:
        """Of each text here, whether it is one of `names`."""
        mask = np.zeros(len(self), dtype=bool)
        codes = self.codes(names)
        mask[codes[codes >= 0]] = True
        return mask

    def followed_by(self, names: Iterable[str]) -> "Names":
        """The same with others behind it."""
        return Names([*self, *names])

    def first_repeated(self) -> str | None:
        """The first text that is there a second time; None where all are distinct."""
        if len(self.code_of) == len(self):
            return None
        seen: set[str] = set()
        return next(name for name in self if name in seen or seen.add(name))  # type: ignore[func-returns-value]
