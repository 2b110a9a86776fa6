"""How far long work is, where a person can see it."""

import html
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

Progress = Callable[[str], None]
"""Called with a few words after each step."""


class Bar(Protocol):
    """Where the latest step is shown."""

    def show(self, text: str) -> None: ...

    def end(self, text: str) -> None: ...


class NotebookBar:
    """A bar below the cell that is running.

    Parameters
    ----------
    display : IPython's `display`
    """

    def __init__(self, display: Callable[..., Any]) -> None:
        self._display = display
        self._handle: Any = None

    def show(self, text: str) -> None:
        self._write(f"<progress></progress> {html.escape(text)}", text)

    def end(self, text: str) -> None:
        self._write(f"<progress value=1></progress> {html.escape(text)}", text)

    def _write(self, page: str, text: str) -> None:
        content = {"text/html": page, "text/plain": text}
        if self._handle is None:
            self._handle = self._display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)


class TerminalBar:
    """One line of standard error, written over by the next step."""

    WIDTH = 100

    def show(self, text: str) -> None:
        sys.stderr.write(f"\r{text[: self.WIDTH]:<{self.WIDTH}}")
        sys.stderr.flush()

    def end(self, text: str) -> None:
        self.show(text)
        sys.stderr.write("\n")


@contextmanager
def shown(progress: Progress | None, title: str) -> Iterator[Progress]:
    """Yield what long work calls after each step.

    Parameters
    ----------
    progress : the caller's own; None: a bar in a notebook, a line on a terminal, else nothing
    title : what is done, a word or two
    """
    bar = None if progress else _bar()
    if bar is None:
        yield progress or (lambda _: None)
        return
    started = time.monotonic()

    def written(text: str) -> str:
        return f"{title}, {time.monotonic() - started:.0f} s: {text}"

    yield lambda text: bar.show(written(text))
    bar.end(written("done"))


def _bar() -> Bar | None:
    if (display := _notebook_display()) is not None:
        return NotebookBar(display)
    return TerminalBar() if sys.stderr.isatty() else None


def _notebook_display() -> Callable[..., Any] | None:
    """IPython's `display` where a kernel runs; None elsewhere."""
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    display: Callable[..., Any] = sys.modules["IPython.display"].display
    return display
