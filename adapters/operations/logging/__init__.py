"""The log: one line for each event, on stderr, without phone numbers, codes, tokens or bodies."""

from adapters.operations.logging.configuration import (
    configure_logging,
    flush_log,
    is_json_log,
    log_package,
    logging_config,
)
from adapters.operations.logging.unhandled import log_errors_of_loop

__all__ = [
    "configure_logging",
    "flush_log",
    "is_json_log",
    "log_errors_of_loop",
    "log_package",
    "logging_config",
]
