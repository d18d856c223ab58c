"""How the text of a variable becomes a value: one table, by the type of the field."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import EnumType
from functools import partial
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from domain.otp.challenge import DEFAULT_OTP_LENGTH
from domain.otp.fixed_codes import FixedCodes
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber, parse_phone
from entrypoints.settings import adapter_parsers, parsers
from entrypoints.settings.adapter_parsers import parse_database, parse_factory
from entrypoints.settings.values import Bind, DatabaseLocation, Factory, HttpHook, Secret


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one type.

    `read` gets a text that is not empty. It raises InvalidValue, whose message says what is valid
    and never quotes the text.
    """

    read: Callable[[str], Any]
    example: str = ""


def example_of_fixed_code(length: int) -> str:
    """Return a valid text for `DIALTONE_TEST_OTPS`, with a code of this length."""
    day = datetime.now(UTC).date() + timedelta(days=180)
    return f"+15005550006={'1234567890'[:length]}@{day}"


READERS: Final[Mapping[Any, Reader]] = {
    bool: Reader(parsers.parse_yes_or_no, "yes"),
    str: Reader(str, "text"),
    int: Reader(parsers.number(0, 999_999_999_999), "10"),
    timedelta: Reader(parsers.duration("0s", "3650d"), "15m"),
    SlidingWindow: Reader(parsers.rate_limit(1_000_000), "60/1h"),
    Path: Reader(parsers.parse_path, "/etc/dialtone/file"),
    Bind: Reader(parsers.parse_bind, "127.0.0.1:9464"),
    PhoneNumber: Reader(partial(parse_phone, rules=None), "+14155552671"),
    DatabaseLocation: Reader(
        parse_database, "postgresql://dialtone:password@127.0.0.1:5432/dialtone"
    ),
    Factory: Reader(parse_factory, "acme_adapter.module:factory"),
    HttpHook: Reader(adapter_parsers.parse_hook, "https://hook.example.org"),
    FixedCodes: Reader(parsers.parse_fixed_codes, example_of_fixed_code(DEFAULT_OTP_LENGTH)),
}
"""Types with one reader. For other types, `Annotated` names the reader or its parser."""

HttpUrl = Annotated[str, Reader(parsers.parse_http_url, "https://dialtone.example.org")]
HookSecrets = Secret[
    tuple[Annotated[str, Reader(adapter_parsers.parse_secret, adapter_parsers.SECRET_EXAMPLE)], ...]
]


_MADE_OF: Final[Mapping[Any, Callable[[Callable[[str], Any]], Callable[[str], Any]]]] = {
    tuple: parsers.list_of,
    Secret: parsers.secret,
    Secret[tuple[Any, ...]]: parsers.secrets_of,
}
"""Functions that make the reader of a type from the reader of its values."""


def reader_of(kind: Any) -> Reader:
    """Return what reads the texts of a type.

    Raises:
        TypeError: Nothing does.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in READERS:
        return READERS[kind]
    if origin is Annotated:
        reader = arguments[1]
        return reader if isinstance(reader, Reader) else Reader(reader)
    if isinstance(kind, EnumType):
        return Reader(parsers.choice(*kind))
    if origin is Literal:
        return Reader(parsers.choice(*arguments))
    if origin in (Union, UnionType):
        [other] = [argument for argument in arguments if argument is not NoneType]
        return reader_of(other)
    if origin is Secret and get_origin(arguments[0]) is tuple:
        origin, arguments = Secret[tuple[Any, ...]], get_args(arguments[0])
    if origin in _MADE_OF:
        of_value = reader_of(arguments[0])
        return Reader(_MADE_OF[origin](of_value.read), of_value.example)
    raise TypeError(f"Nothing reads settings of the type {kind}: use Annotated[…, Reader(…)].")
