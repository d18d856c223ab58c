"""Signals of the master process."""

import signal
import socket
import threading
from collections.abc import Callable, Iterable


def handle_signals_in_thread(
    signals: Iterable[signal.Signals], handle: Callable[[signal.Signals], None]
) -> None:
    """Handle these signals in a thread, from now on.

    Python runs a handler in the main thread, as soon as that runs Python code. The main thread of
    granian waits for a `threading.Event`. A signal that arrives just before it waits would never be
    handled, and the handler of one that arrives a little earlier would wait for the lock of the
    event, which the main thread holds.

    Call this in the main thread. A forked process has to call `signal.set_wakeup_fd(-1)`.
    """
    handled = frozenset(signals)
    reading, writing = socket.socketpair()
    writing.setblocking(False)

    def run_handlers() -> None:
        with reading:
            while number := reading.recv(1):
                # Numbers of other signals, which may have no name, arrive here too.
                if number[0] in handled:
                    handle(signal.Signals(number[0]))

    threading.Thread(target=run_handlers, name="signals", daemon=True).start()
    for number in handled:
        signal.signal(number, _do_nothing)
    # The number of each signal is written at once, in whichever thread the signal arrives.
    signal.set_wakeup_fd(writing.detach(), warn_on_full_buffer=False)


def _do_nothing(*_: object) -> None:
    """Handle a signal that the thread handles."""
