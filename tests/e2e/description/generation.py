"""Test data and hooks for schemathesis: formats, files, tokens and client IPs."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import phonenumbers
import schemathesis
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from schemathesis import AuthContext, BaseSchema, Case, HookContext
from schemathesis.core.parameters import ParameterLocation
from schemathesis.hooks import unregister
from schemathesis.transport.serialization import Binary

from tests.e2e.description.callers import Callers, Person
from tests.support.images import animated_gif, plain_jpeg, transparent_png
from tests.support.schema_check import is_valid

MEDIA_TYPES: Final = {"application/json", "multipart/form-data"}
_PHONE_TYPES: Final = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE)
_FULL_WIDTH: Final = {ord("+"): 0xFF0B} | {0x30 + digit: 0xFF10 + digit for digit in range(10)}
_ARABIC: Final = {0x30 + digit: 0x0660 + digit for digit in range(10)}
_BLANK: Final = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and symbols that are invisible."""


@cache
def example_phones() -> tuple[str, ...]:
    """Return a mobile and a fixed line of every country, in E.164."""
    numbers = (
        phonenumbers.example_number_for_type(country, phone_type)
        for country in sorted(phonenumbers.SUPPORTED_REGIONS)
        for phone_type in _PHONE_TYPES
    )
    return tuple(
        phonenumbers.format_number(number, PhoneNumberFormat.E164) for number in numbers if number
    )


def spellings(e164: str) -> list[str]:
    """Return the formats of a number that have a +, so that no region is needed."""
    spaced = phonenumbers.format_number(phonenumbers.parse(e164), PhoneNumberFormat.INTERNATIONAL)
    country_code, _, rest = spaced.partition(" ")
    return [
        e164,
        spaced,
        spaced.replace(" ", "-"),
        spaced.replace(" ", "."),
        f"{country_code} ({rest})",
        f"  {e164}\u2060 ",
        e164.translate(_FULL_WIDTH),
        spaced.translate(_ARABIC),
    ]


def phones(own: str) -> st.SearchStrategy[str]:
    """Phones of all countries in all formats, and the caller's own."""
    numbers = st.sampled_from(example_phones()) | st.just(own)
    return numbers.flatmap(lambda number: st.sampled_from(spellings(number)))


def usernames(own: str) -> st.SearchStrategy[str]:
    """Names with letters, digits and symbols of all scripts, and the caller's own."""
    visible = st.characters(categories=["L", "N", "P", "S"], exclude_characters=_BLANK)
    words = st.text(visible, min_size=2, max_size=20).filter(_is_composed)
    return st.lists(words, min_size=1, max_size=3).map(" ".join) | st.just(own)


def _is_composed(word: str) -> bool:
    # The limits hold for the composed form, which may be longer or shorter.
    return unicodedata.is_normalized("NFC", word)


def register_formats(own_phone: str, own_name: str) -> None:
    """Make schemathesis generate phones and usernames with these strategies."""
    schemathesis.openapi.format("phone", phones(own_phone))
    schemathesis.openapi.format("username", usernames(own_name))


@cache
def files() -> tuple[bytes, ...]:
    """Return an image of each format, a broken image, and another file."""
    return (
        plain_jpeg(8, 6),
        transparent_png(8, 6),
        animated_gif(width=8, height=6),
        plain_jpeg()[:-300],
        b"%PDF-1.7",
    )


def add_hooks(
    schema: BaseSchema, document: dict[str, Any], callers: Callers, person: Person
) -> None:
    """Add tokens and files to the requests; drop requests that schemathesis mislabels."""

    # Not the person: after a rename, creating the same user again would be a conflict.
    renamed = callers.add_person()

    class Tokens:
        def get(self, case: Case[Any], context: AuthContext) -> str:
            match case.operation.definition.raw["operationId"]:
                case "logout" | "delete_me" | "revoke_session":
                    return callers.next_token()
                case "rename_me":
                    return renamed.token
                case _:
                    return person.token

        def set(self, case: Case[Any], token: str, context: AuthContext) -> None:
            case.headers["Authorization"] = f"Bearer {token}"

    without_formats = _remove_formats(document)

    def has_correct_label(context: HookContext, case: Case[Any]) -> bool:
        return _has_correct_label(document, without_formats, case)

    schema.auth(refresh_interval=None)(Tokens)
    schema.hooks.hook("filter_case")(has_correct_label)
    schema.hooks.hook("flatmap_body")(_add_file)


@contextmanager
def use_many_client_ips(callers: Callers) -> Iterator[None]:
    """Send each request from a new client IP, so that no rate limit is reached."""

    def set_client_ip(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
        case.headers.update(callers.next_ip())

    schemathesis.hook("before_call")(set_client_ip)
    try:
        yield
    finally:
        unregister(set_client_ip)


def _has_correct_label(
    document: dict[str, Any], without_formats: dict[str, Any], case: Case[Any]
) -> bool:
    # Schemathesis simplifies patterns, and assumes that a text violates a format unless it was
    # generated for it. So its labels "valid" and "invalid" are checked again.
    if case.meta is None or not isinstance(case.body, dict) or case.media_type not in MEDIA_TYPES:
        return True
    is_negative = case.meta.is_negative_at(ParameterLocation.BODY)
    # Whether a value generated for a format is valid, the service decides.
    checked = document if is_negative else without_formats
    operation = checked["paths"][case.operation.path][case.operation.method.lower()]
    schema = operation["requestBody"]["content"][case.media_type]["schema"]
    return is_valid(checked, schema, case.body) is not is_negative


def _remove_formats(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _remove_formats(value) for name, value in part.items() if name != "format"}
    return [_remove_formats(element) for element in part] if isinstance(part, list) else part


def _add_file(context: HookContext, body: Any) -> st.SearchStrategy[Any]:
    if not isinstance(body, dict) or "file" not in body:
        return st.just(body)
    return st.sampled_from(files()).map(lambda file: {**body, "file": Binary(file)})
