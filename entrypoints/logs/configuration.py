"""Setting up structlog and the standard library's logging together."""

import logging
import logging.config
import sys
import threading
from types import TracebackType
from typing import Any

import structlog

_OURS = ("domain", "application", "adapters", "entrypoints")


def _rank(level: str) -> int:
    return logging.getLevelNamesMapping()[level]


def log_config(level: str, log_format: str) -> dict[str, Any]:
    """Give the configuration for `logging.config.dictConfig`, for a server's workers as well.

    Below `info` only our own loggers speak: what others write for debugging may quote what
    passes through them.
    """
    loud = level.upper()
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"()": "entrypoints.logs.formatter.make_formatter", "log_format": log_format}
        },
        "handlers": {
            "stderr": {
                "class": "entrypoints.logs.handler.QueueingHandler",
                "formatter": "line",
                "stream": "ext://sys.stderr",
            }
        },
        "root": {"handlers": ["stderr"], "level": "INFO" if loud == "DEBUG" else loud},
        "loggers": {
            **{name: {"level": loud} for name in _OURS},
            # What may be an attack is told whatever the level.
            "dialtone.security": {
                "level": min("INFO" if loud == "DEBUG" else loud, "WARNING", key=_rank)
            },
            # granian's own would write to stdout, in another form.
            # Its news are the banner's; its troubles are everybody's.
            "_granian": {
                "handlers": [],
                "level": max(loud, "WARNING", key=_rank),
                "propagate": True,
            },
            # It would tell the address of each request, which names the account at Twilio.
            "httpx": {"level": max(loud, "WARNING", key=_rank)},
            "granian.access": {"handlers": [], "level": loud, "propagate": True},
        },
    }


def configure_logs(level: str, log_format: str) -> None:
    """Send everything that is logged in this process to stderr, through one formatter.

    Nobody who logs waits for stderr: lines that it does not take in time are counted instead.
    `level` is a `LogLevel`, `log_format` a `LogFormat`. Warnings are logged too.
    """
    logging.config.dictConfig(log_config(level, log_format))
    # A log that cannot be written must not write about it: the complaint quotes the record.
    logging.raiseExceptions = False
    logging.captureWarnings(True)
    sys.excepthook = _tell_escaped
    threading.excepthook = lambda escaped: _tell_escaped(
        escaped.exc_type, escaped.exc_value, escaped.exc_traceback
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _tell_escaped(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    """Tell of what nobody caught, without its message, which may quote anything."""
    if error is None or issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error or kind(), trace)
        return
    structlog.get_logger("entrypoints").critical("unforeseen", exc_info=error)
