"""What a run shows of a failure: neither values of an adapter's exceptions, nor secrets."""

import os
import re
from pathlib import Path
from types import TracebackType
from typing import Final

import pytest

from adapters.operations.logging.masking import format_exception, mask_phones
from tests.contract.suites.external_adapter import TestMethodFailed

_SUITES: Final = Path(__file__).parent
_SECRET_NAME: Final = re.compile(r"(?i)auth|cookie|credential|key|pass|pepper|_pwd|secret|token")
_MIN_SECRET: Final = 6
_MASK: Final = "***"
_USERINFO: Final = re.compile(r"(?<=://)[^/\s@]*@")
_PASSWORD: Final = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")
_CODE: Final = re.compile(r"(?<![\w.-])\d{6}(?![\w.-])")


def describe_failure(error: BaseException) -> str:
    """Return what failed, then file, line and function of each call, then its causes.

    The message of a suite is shown as it is, but for secrets. That of any other exception is
    not shown, as in the log.
    """
    error.__traceback__ = _without_runners(error.__traceback__)
    text = format_exception(error)
    if _is_of_suite(error):
        _, _, calls = text.partition("\n")
        text = f"{str(error).strip() or type(error).__name__}\n{calls}"
    return hide_secrets(text).strip()


def hide_secrets(text: str) -> str:
    """Return a text without secrets of the environment, passwords in URLs, phone numbers, codes."""
    values = [value for name, value in os.environ.items() if _SECRET_NAME.search(name)]
    values += [password for value in os.environ.values() for password in _PASSWORD.findall(value)]
    values += [part.strip() for value in values for part in value.split(",")]
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= _MIN_SECRET:
            text = text.replace(value, _MASK)
    return _CODE.sub("******", mask_phones(_USERINFO.sub(f"{_MASK}@", text)))


def _without_runners(calls: TracebackType | None) -> TracebackType | None:
    """Return the calls from the first one of a suite: those before it are of pytest and asyncio."""
    first = calls
    while first is not None and not _is_in_suite(first):
        first = first.tb_next
    return first or calls


def _is_of_suite(error: BaseException) -> bool:
    """Return whether the message is one that a suite wrote."""
    if isinstance(error, (pytest.fail.Exception, TestMethodFailed)):
        return True
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return isinstance(error, AssertionError) and last is not None and _is_in_suite(last)


def _is_in_suite(call: TracebackType) -> bool:
    return Path(call.tb_frame.f_code.co_filename).is_relative_to(_SUITES)
