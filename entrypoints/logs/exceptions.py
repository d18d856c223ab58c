"""Exceptions as they may stand in a log: what they are and where they passed, not what they say.

A message may quote what came in, and so may a source line or a local variable.
"""

import errno
from collections.abc import Iterator
from types import TracebackType
from typing import Final

from application.ports.errors import PortError
from domain.errors import DomainError

_MOST_FRAMES: Final = 40
_DEEPEST: Final = 20


def summary(error: BaseException) -> str:
    """Give the class; of an OSError its symbol too, and of our own errors their text."""
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ != "builtins":
        name = f"{kind.__module__}.{name}"
    if isinstance(error, PortError | DomainError):
        text = " ".join(str(error).splitlines())
        return f"{name}: {text}" if text else name
    symbol = errno.errorcode.get(error.errno or 0) if isinstance(error, OSError) else None
    return f"{name} ({symbol})" if symbol else name


def story(error: BaseException) -> str:
    """Give the error with its frames, and below it what it came from, the first cause last."""
    return "\n".join(_lines(error, "", set()))


def _lines(error: BaseException, indent: str, seen: set[int]) -> Iterator[str]:
    prefix = ""
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(seen) < _DEEPEST:
        seen.add(id(current))
        yield f"{indent}{prefix}{_safe_summary(current)}"
        yield from (f"{indent}  {frame}" for frame in _frames(current.__traceback__))
        if isinstance(current, BaseExceptionGroup):
            for member in current.exceptions:
                yield from _lines(member, f"{indent}  | ", seen)
        prefix, current = _cause(current)


def _safe_summary(error: BaseException) -> str:
    try:
        return summary(error)
    except Exception:  # noqa: BLE001 - a log line must not fail, whatever is in it
        return type(error).__name__


def _cause(error: BaseException) -> tuple[str, BaseException | None]:
    if error.__cause__ is not None:
        return "caused by ", error.__cause__
    return "while handling ", None if error.__suppress_context__ else error.__context__


def _frames(traceback: TracebackType | None) -> list[str]:
    frames = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(f"{_short(code.co_filename)}:{traceback.tb_lineno} {code.co_qualname}")
        traceback = traceback.tb_next
    if len(frames) <= _MOST_FRAMES:
        return frames
    half = _MOST_FRAMES // 2
    return [*frames[:half], f"({len(frames) - 2 * half} more)", *frames[-half:]]


def _short(path: str) -> str:
    # Where packages are installed tells nothing; which one it is does.
    return path.rpartition("/site-packages/")[2]
