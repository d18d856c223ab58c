import asyncio
import os
import threading
from contextlib import suppress
from typing import Final, TextIO

from adapters.console.box import boxed
from adapters.console.writing import Writing, descriptor_of, has_room
from application.ports.errors import MessengerUnavailable
from application.ports.messenger import Handover, Outcome
from domain.phone import PhoneNumber

PATIENCE: Final = 5.0
"""How many seconds a stream that takes nothing is waited for."""
_WIDEST_ON_TERMINAL: Final = 100
_WIDEST_ELSEWHERE: Final = 500


class ConsoleMessenger:
    """Shows messages on a text stream, for trying the service out: a terminal gets no SMS.

    The number stands there in full, as this is the phone's screen and not the log. Each
    message is one write. Where the stream is no terminal, a line of the text stands unbroken
    on a line, for programs that read it.
    """

    def __init__(self, stream: TextIO, patience: float = PATIENCE) -> None:
        self._stream = stream
        self._patience = patience
        self._turn = threading.Lock()

    async def send(self, phone: PhoneNumber, text: str) -> Handover:
        """Show the message; refused when nothing of it was written."""
        loop = asyncio.get_running_loop()
        handed_over: asyncio.Future[Handover] = loop.create_future()
        writing = Writing(self._stream, self._block(phone, text), self._turn, self._patience)

        def report(handover: Handover) -> None:
            if not handed_over.done():
                handed_over.set_result(handover)

        def work() -> None:
            handover = writing.run()
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(report, handover)

        try:
            # A daemon, since a write that blocks for ever must not keep the process alive.
            threading.Thread(target=work, name="console", daemon=True).start()
            async with asyncio.timeout(2 * self._patience):
                return await handed_over
        except TimeoutError:
            return writing.give_up()
        except RuntimeError:
            return Handover(Outcome.REFUSED, "there is no thread left to write with")

    async def check(self) -> None:
        """Return when a message would be taken now.

        Raises:
            MessengerUnavailable
        """
        if self._stream.closed:
            raise MessengerUnavailable("The console is closed.")
        descriptor = descriptor_of(self._stream)
        try:
            takes_text = descriptor is None or has_room(descriptor, 0)
        except OSError as error:
            raise MessengerUnavailable("Nobody reads the console any more.") from error
        if not takes_text:
            raise MessengerUnavailable("The console does not take any text now.")

    def _block(self, phone: PhoneNumber, text: str) -> str:
        is_terminal = not self._stream.closed and self._stream.isatty()
        return boxed(
            phone.e164,
            text,
            width=_columns_of(self._stream) if is_terminal else _WIDEST_ELSEWHERE,
            encoding=self._stream.encoding or "utf-8",
            has_colors=is_terminal and not os.environ.get("NO_COLOR"),
        )


def _columns_of(terminal: TextIO) -> int:
    try:
        columns = os.get_terminal_size(terminal.fileno()).columns
    except OSError:
        columns = 0
    # Some terminals do not know, and say 0.
    return min(columns if columns >= 20 else 80, _WIDEST_ON_TERMINAL)
