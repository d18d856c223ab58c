"""Exceptions in the log: their classes and frames, without messages.

A message, a source line or a local variable may contain user input.
"""

import errno
from collections.abc import Iterator
from types import TracebackType
from typing import Final

from application.ports.errors import PortError
from domain.errors import DomainError

_MAX_FRAMES: Final = 40
_MAX_CAUSES: Final = 20


def format_exception(error: BaseException) -> str:
    """Return the exception with its frames, then its causes; the root cause is last."""
    return "\n".join(_lines(error, "", set()))


def summarize_exception(error: BaseException) -> str:
    """Return the class name; also the symbol of an OSError and the message of our own errors."""
    error_type = type(error)
    name = error_type.__qualname__
    if error_type.__module__ != "builtins":
        name = f"{error_type.__module__}.{name}"
    if isinstance(error, PortError | DomainError):
        message = " ".join(str(error).splitlines())
        return f"{name}: {message}" if message else name
    symbol = errno.errorcode.get(error.errno or 0) if isinstance(error, OSError) else None
    return f"{name} ({symbol})" if symbol else name


def _lines(error: BaseException, indent: str, seen: set[int]) -> Iterator[str]:
    relation = ""
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(seen) < _MAX_CAUSES:
        seen.add(id(current))
        yield f"{indent}{relation}{_safe_summary(current)}"
        yield from (f"{indent}  {frame}" for frame in _frames(current.__traceback__))
        if isinstance(current, BaseExceptionGroup):
            for member in current.exceptions:
                yield from _lines(member, f"{indent}  | ", seen)
        relation, current = _cause(current)


def _safe_summary(error: BaseException) -> str:
    try:
        return summarize_exception(error)
    except Exception:  # noqa: BLE001 - __str__ of an exception may raise anything
        return type(error).__name__


def _cause(error: BaseException) -> tuple[str, BaseException | None]:
    if error.__cause__ is not None:
        return "caused by ", error.__cause__
    return "while handling ", None if error.__suppress_context__ else error.__context__


def _frames(traceback: TracebackType | None) -> list[str]:
    frames = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        path = code.co_filename.rpartition("/site-packages/")[2]
        frames.append(f"{path}:{traceback.tb_lineno} {code.co_qualname}")
        traceback = traceback.tb_next
    if len(frames) <= _MAX_FRAMES:
        return frames
    half = _MAX_FRAMES // 2
    return [*frames[:half], f"({len(frames) - 2 * half} more)", *frames[-half:]]
