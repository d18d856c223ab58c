"""A terminal that reads lines and shows at once what other threads report."""

import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, Self, TextIO

_END: Final = None


class EndOfInput(Exception):
    """There are no more lines."""


class Terminal:
    """Input by lines, from a person or from a pipe.

    A thread reads the lines, so that the main thread waits for them and for other threads in one
    place, and Ctrl-C always works.
    """

    def __init__(self, input_descriptor: int, output: TextIO) -> None:
        self._output = output
        self._echoes = not os.isatty(input_descriptor)
        self._lines: deque[str | None] = deque()
        self._notices: list[str] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._read, args=(input_descriptor,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._show_notices()

    def show(self, *lines: str) -> None:
        """Show lines."""
        self._output.write("".join(f"{line}\n" for line in lines))
        self._output.flush()

    def notify(self, text: str = "") -> None:
        """Show a text while the terminal waits, and look at the condition of the wait again."""
        with self._changed:
            self._notices += [text] if text else []
            self._changed.notify_all()

    def read_line(self, prompt: str, until: Callable[[], bool] = bool) -> str | None:
        """Return the next line without spaces around it, or None once the condition is true.

        Raises:
            EndOfInput
        """
        is_prompted = False
        with self._changed:
            while True:
                is_due = until()
                if is_prompted and (self._notices or is_due):
                    self.show("")
                    is_prompted = False
                self._show_notices()
                if is_due:
                    return None
                if not is_prompted:
                    self._output.write(prompt)
                    self._output.flush()
                    is_prompted = True
                if self._lines:
                    return self._take_line()
                self._changed.wait()

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait for other threads; return whether the condition is true."""
        with self._changed:
            is_true = self._changed.wait_for(condition, seconds)
            self._show_notices()
        return is_true

    def _take_line(self) -> str:
        line = self._lines.popleft()
        if line is _END:
            self.show("")
            self._lines.append(_END)
            raise EndOfInput
        if self._echoes:
            self.show(line.rstrip("\n"))  # so that the output can be read without the input
        return line.strip()

    def _show_notices(self) -> None:
        self.show(*self._notices)
        self._notices.clear()

    def _read(self, descriptor: int) -> None:
        with open(descriptor, encoding="utf-8", errors="replace", closefd=False) as lines:
            for line in lines:
                self._add(line)
        self._add(_END)

    def _add(self, line: str | None) -> None:
        with self._changed:
            self._lines.append(line)
            self._changed.notify_all()
