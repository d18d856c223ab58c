"""Uncaught errors: of threads, of finalizers and of the event loop."""

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

from adapters.shared.threads import VitalThread

_CALLBACK: Final = "Exception in callback"


def log_unhandled_errors(count: Callable[[], object], flush_log: Callable[[], None]) -> None:
    """Log them as `unhandled_exception` in this process, and count them.

    The error of a `VitalThread` ends the process.
    """

    def log_error_of_thread(arguments: threading.ExceptHookArgs) -> None:
        thread = arguments.thread
        # Also of SystemExit, which ends a thread as well.
        _log(arguments.exc_value, thread=thread.name if thread else "")
        count()
        if isinstance(thread, VitalThread):
            flush_log()
            os._exit(1)

    def log_error(error: BaseException | None) -> None:
        _log(error)
        count()

    sys.excepthook = lambda _type, error, _traceback: log_error(error)
    sys.unraisablehook = lambda arguments: log_error(arguments.exc_value)
    threading.excepthook = log_error_of_thread


def log_errors_of_loop(count: Callable[[], object]) -> None:
    """Log the errors of tasks and callbacks of the running event loop, and count them."""

    def log_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        count()
        error, task = context.get("exception"), context.get("future")
        if error is None:
            loop.default_exception_handler(context)
        elif isinstance(task, asyncio.Task):
            _log(error, task=task.get_name())
        else:
            # A callback is shown with its arguments, which may be anything.
            message = str(context.get("message", "")).partition(_CALLBACK)
            _log(error, reason="".join(message[:2]))

    asyncio.get_running_loop().set_exception_handler(log_error)


def _log(error: BaseException | None, **place: str) -> None:
    event = {"event": "unhandled_exception", **place}
    logging.getLogger("entrypoints").critical(event, exc_info=error)
