"""A signal may arrive at any moment, also while the main thread holds a lock."""

import os
import signal
import threading

from entrypoints.server.signals import handle_signals_in_thread

WAIT_SECONDS = 20


def test_a_handler_does_not_need_the_main_thread() -> None:
    lock, has_run = threading.Lock(), threading.Event()

    def handle(number: signal.Signals) -> None:
        with lock:
            assert number is signal.SIGUSR1
            has_run.set()

    wakeup = None
    try:
        with lock:
            handle_signals_in_thread([signal.SIGUSR1, signal.SIGUSR2], handle)
            signal.raise_signal(signal.SIGUSR1)
            wakeup = signal.set_wakeup_fd(-1)
            assert not has_run.is_set()
        assert has_run.wait(WAIT_SECONDS)
    finally:
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)
        signal.signal(signal.SIGUSR2, signal.SIG_DFL)
        if wakeup is not None:
            os.close(wakeup)
