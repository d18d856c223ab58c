"""The log: one line an event, on stderr, without phones, codes, tokens or bodies."""

from entrypoints.logs.configuration import configure_logs, log_config
from entrypoints.logs.context import bind_request_id

__all__ = ["bind_request_id", "configure_logs", "log_config"]
