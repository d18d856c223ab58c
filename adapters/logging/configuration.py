"""Configuration of structlog and the standard library's logging."""

import logging
import logging.config
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

import structlog

from adapters.logging.formatter import LineFormatter, make_formatter
from adapters.logging.handler import NonBlockingHandler, make_handler
from adapters.logging.request_log import RequestLog, SecurityLog

SECURITY_LOGGER: Final = "dialtone.security"
_OWN_LOGGERS: Final = ("domain", "application", "adapters", "entrypoints")


def configure_logging(level: str, log_format: str) -> None:
    """Log everything in this process to stderr with one formatter, warnings included.

    Logging never waits for stderr. See `NonBlockingHandler`.

    Args:
        level: a `LogLevel`: `debug`, `info`, `warning` or `error`.
        log_format: a `LogFormat`: `auto`, `json` or `console`.
    """
    logging.config.dictConfig(logging_config(level, log_format))
    # The standard library reports a failed log call with a traceback that contains the record.
    logging.raiseExceptions = False
    logging.captureWarnings(True)
    sys.excepthook = _log_unhandled_exception
    threading.excepthook = lambda args: _log_unhandled_exception(
        args.exc_type, args.exc_value, args.exc_traceback
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


def logging_config(level: str, log_format: str) -> dict[str, Any]:
    """Return the configuration for `logging.config.dictConfig`; granian's workers need it too.

    - Only our own loggers log below `info`: debug messages of libraries may quote user input.
    - Security warnings are logged at every level, because they may be attacks.
    """
    level = level.upper()
    library_level = "INFO" if level == "DEBUG" else level
    quiet_level = max(level, "WARNING", key=_severity)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": make_formatter, "log_format": log_format}},
        "handlers": {
            "stderr": {
                "()": make_handler,
                "formatter": "line",
                "stream": "ext://sys.stderr",
            }
        },
        "root": {"handlers": ["stderr"], "level": library_level},
        "loggers": {
            **{name: {"level": level} for name in _OWN_LOGGERS},
            SECURITY_LOGGER: {"level": min(library_level, "WARNING", key=_severity)},
            # By default granian logs to stdout, in a format of its own. The banner replaces its
            # info messages.
            "_granian": {"handlers": [], "level": quiet_level, "propagate": True},
            "granian.access": {"handlers": [], "level": level, "propagate": True},
            # It logs each URL, which contains the account id at Twilio.
            "httpx": {"level": quiet_level},
        },
    }


def request_log(name: str) -> Callable[..., None]:
    """Return the method that logs the line of each request; call it after `configure_logging`.

    Args:
        name: of the logger.
    """
    put = _find_put(name)
    log: Callable[..., None] = structlog.get_logger(name).info
    return RequestLog(name, put) if put else log


def security_log() -> SecurityLog | None:
    """Return what logs security events as JSON; call it after `configure_logging`.

    None if the lines are for people.
    """
    put = _find_put(SECURITY_LOGGER)
    return SecurityLog(SECURITY_LOGGER, put) if put else None


def _find_put(name: str) -> Callable[[bytes], None] | None:
    """Return what takes JSON lines without the formatter; None if the lines are no JSON."""
    handler = next(iter(logging.getLogger().handlers), None)
    is_enabled = logging.getLogger(name).isEnabledFor(logging.INFO)
    if is_enabled and isinstance(handler, NonBlockingHandler):
        formatter = handler.formatter
        if isinstance(formatter, LineFormatter) and formatter.is_json:
            return handler.put
    return None


def _severity(level: str) -> int:
    return logging.getLevelNamesMapping()[level]


def _log_unhandled_exception(
    error_type: type[BaseException], error: BaseException | None, traceback: TracebackType | None
) -> None:
    if error is None or issubclass(error_type, KeyboardInterrupt):
        sys.__excepthook__(error_type, error or error_type(), traceback)
        return
    structlog.get_logger("entrypoints").critical("unhandled_exception", exc_info=error)
