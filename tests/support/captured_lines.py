"""The lines that our modules log by the standard library."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        assert isinstance(record.msg, dict)
        error = {"exc_info": record.exc_info[1]} if record.exc_info else {}
        self.lines.append({**record.msg, **error, "log_level": record.levelname.lower()})


@contextmanager
def captured_lines() -> Iterator[list[dict[str, Any]]]:
    """Yield the lines of `entrypoints` until the end of the block, with their levels."""
    logger, handler = logging.getLogger("entrypoints"), _Lines()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield handler.lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
