"""A terminal that reads lines and shows at once what other threads report."""

import codecs
import os
import queue
import select
from collections.abc import Callable
from typing import Final, Self, TextIO

_CHUNK: Final = 1 << 12
_WAKE: Final = b"\0"


class EndOfInput(Exception):
    """There are no more lines."""


def _never() -> bool:
    return False


class Terminal:
    """Input by lines, from a person or from a pipe.

    It waits for input and for other threads in one place, so Ctrl-C always works: a thread that
    reads could not be ended.
    """

    def __init__(self, input_descriptor: int, output: TextIO) -> None:
        self._input = input_descriptor
        self._output = output
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._has_ended = False
        self._notices: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._wake_input, self._wake_output = os.pipe()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.show_notices()
        os.close(self._wake_input)
        os.close(self._wake_output)

    def show(self, *lines: str) -> None:
        """Show lines."""
        self._output.write("".join(f"{line}\n" for line in lines))
        self._output.flush()

    def notify(self, text: str = "") -> None:
        """Show a text while the terminal waits, and look at the condition of the wait again."""
        self._notices.put(text)
        os.write(self._wake_output, _WAKE)

    def show_notices(self) -> None:
        """Show the texts that have arrived."""
        self.show(*self._take_notices())

    def read_line(self, prompt: str, until: Callable[[], bool] = _never) -> str | None:
        """Return the next line without spaces around it, or None once the condition is true.

        Raises:
            EndOfInput
        """
        self.show_notices()
        if until():
            return None
        self._show_prompt(prompt)
        while (line := self._take_line()) is None:
            if self._has_ended:
                self.show("")
                raise EndOfInput
            if self._wait(None):
                notices = self._take_notices()
                is_due = until()
                if notices or is_due:
                    self.show("", *notices)
                if is_due:
                    return None
                if notices:
                    self._show_prompt(prompt)
        if not os.isatty(self._input):
            self.show(line)  # so that the output can be read without the input
        return line.strip()

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait for other threads; return whether the condition is true."""
        while not condition() and self._wait(seconds, with_input=False):
            self.show_notices()
        return condition()

    def _show_prompt(self, prompt: str) -> None:
        self._output.write(prompt)
        self._output.flush()

    def _take_notices(self) -> list[str]:
        notices = []
        while not self._notices.empty():
            notices.append(self._notices.get())
        return [text for text in notices if text]

    def _take_line(self) -> str | None:
        line, end, rest = self._text.partition("\n")
        if not end and not (line and self._has_ended):
            return None
        self._text = rest
        return line

    def _wait(self, seconds: float | None, *, with_input: bool = True) -> bool:
        """Wait for input or another thread; return whether that thread was the reason."""
        inputs = [self._wake_input, self._input] if with_input else [self._wake_input]
        ready, _, _ = select.select(inputs, [], [], seconds)
        if self._input in ready:
            chunk = os.read(self._input, _CHUNK)
            self._has_ended = not chunk
            self._text += self._decoder.decode(chunk, final=not chunk)
        if self._wake_input in ready:
            os.read(self._wake_input, _CHUNK)
        return self._wake_input in ready
