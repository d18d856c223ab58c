"""Parsing of JSON bodies and fields. All invalid fields are reported at once."""

from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, Self, TypeVar

import msgspec
import structlog
from litestar import Request
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.params import QueryParameter

from domain.errors import DomainError, InvalidValue, UnsupportedValue
from domain.identifier import parse_identifier
from domain.json_values import find_repeated_keys
from domain.otp.delivery import Channel
from entrypoints.http.errors.core_errors import CORE_TABLE
from entrypoints.http.errors.exceptions import FieldError, InvalidBody, InvalidFields
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.requests.described_rules import described_rules
from entrypoints.http.settings import HttpOtpSettings

A = TypeVar("A")

_log = structlog.get_logger()

MAX_UNKNOWN_FIELDS: Final = 20
MAX_FIELD_NAME_LENGTH: Final = 64


def missing_field(name: str) -> FieldError:
    """Return the error of a field that is missing."""
    return FieldError(name, FieldErrorCode.MISSING_FIELD, "This field is required.")


def repeated_field(name: str) -> FieldError:
    """Return the error of a field or a parameter that is sent more than once."""
    return FieldError(name, FieldErrorCode.REPEATED_FIELD, "Send this only once.")


@contextmanager
def parsing_field(name: str) -> Iterator[None]:
    """Parse one field in the block. If its value is invalid, raise InvalidFields with its name."""
    try:
        yield
    except InvalidValue as error:
        raise InvalidFields(CORE_TABLE.to_field_error(name, error)) from error


class FieldErrors:
    """The errors of several fields: the end of the block raises InvalidFields with all of them.

    ```python
    with FieldErrors(data) as invalid:
        with invalid.of("phone"):
            phone = parse_phone(data.phone)
        with invalid.of("otp"):
            code = parse_otp_code(data.otp)
    ```

    The end of the block also checks the fields whose rule only the description has.
    """

    def __init__(self, body: msgspec.Struct | None = None) -> None:
        self._body = body
        self._errors: list[FieldError] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        """Raise InvalidFields if a field was invalid: first, if something else is wrong too."""
        if error_type is not None and not issubclass(error_type, DomainError):
            return
        if body := self._body:
            for rule in described_rules(type(body)):
                with self.of(rule.field):
                    rule.check(body)
        if self._errors:
            raise InvalidFields(*self._errors)

    def add(self, error: FieldError) -> None:
        """Keep the error of a field that is not parsed, such as a missing one."""
        self._errors.append(error)

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Parse one field in the block. If its value is invalid, keep the error and continue."""
        try:
            yield
        except InvalidValue as error:
            self.add(CORE_TABLE.to_field_error(name, error))


def parse_id(text: str, error: Exception) -> str:
    """Return an id in lower case; raises `error` if the text is no id."""
    parsed = parse_identifier(text)
    if parsed is None:
        raise error
    return parsed


def parse_channel(
    text: str | None, settings: HttpOtpSettings, country: str | None = None
) -> Channel | None:
    """Parse how a code is to be delivered; raises UnsupportedValue with the country's channels.

    Without a text, the service chooses. `country` is None if it is not known.
    """
    if text is None:
        return None
    channels = settings.channels
    names = [channel for channel in Channel if channel in channels.all]
    if country is not None:
        names = [*channels.of(country)]
    try:
        channel = Channel(text)
    except ValueError:
        raise UnsupportedValue(f"Send {_join(names)}, or omit the field.") from None
    if channel is Channel.VOICE and not settings.has_voice_channel:
        fix = "set DIALTONE_VOICE, and voice in DIALTONE_CHANNELS if that is set"
        _log.info("channel_rejected", channel=channel, country=country, fix=fix)
        raise UnsupportedValue(
            f"This service places no calls. Send {_join(names)}, or omit the field."
        )
    if channel not in names:
        fix = "add the channel to the country in DIALTONE_CHANNELS"
        _log.info("channel_rejected", channel=channel, country=country, fix=fix)
        raise UnsupportedValue(
            f"No code goes to this country by '{channel}'. Send {_join(names)}, or omit the field."
        )
    return channel


def _join(names: Sequence[str]) -> str:
    *others, last = [f"'{name}'" for name in names]
    return f"{', '.join(others)} or {last}" if others else last


@cache
def query_parameters(handler: BaseRouteHandler) -> Sequence[str]:
    """Return the names of the query parameters that a handler declares."""
    fields = handler.parsed_fn_signature.parameters.items()
    return [
        field.kwarg_definition.name or name
        for name, field in fields
        if isinstance(field.kwarg_definition, QueryParameter)
    ]


def unknown_parameter(name: str, known: Sequence[str]) -> FieldError:
    """Return the error of a query parameter that a path does not have."""
    return _unknown_field(name, "query parameter", "path", known)


def _unknown_field(name: str, kind: str, where: str, known: Sequence[str]) -> FieldError:
    names = f"These are known: {', '.join(known)}." if known else f"This {where} has none."
    return FieldError(
        name[:MAX_FIELD_NAME_LENGTH],
        FieldErrorCode.UNKNOWN_FIELD,
        f"This {kind} is unknown. {names}",
    )


_IGNORING_PATHS: Final = frozenset(
    {
        "/.well-known/jwks.json",
        "/.well-known/openid-configuration",
        "/auth/logout",
        "/auth/refresh",
        "/auth/request-otp",
        "/auth/requests/{request_id}",
        "/auth/sessions",
        "/auth/sessions/{session_id}",
        "/auth/verify-otp",
        "/authenticate/get_otp",
        "/authenticate/validate_otp",
        "/calls",
        "/calls/{call_id}/recording",
        "/health/live",
        "/health/ready",
        "/library",
        "/library/upload",
        "/library/upload-limits",
        "/library/{item_id}",
        "/media/{folder}/{name}",
        "/users",
        "/users/me",
        "/users/me/app-data",
        "/users/me/export",
        "/users/me/phone",
        "/users/me/phone/request-otp",
        "/users/{user_id}",
    }
)
"""Apps that are installed send parameters to them that they do not have. No path is added here."""


def has_strict_parameters(handler: HTTPRouteHandler, path: str) -> bool:
    """Return whether a path rejects unknown query parameters, as each new one of the API does.

    Without a filter that is misspelled, all would be listed. Pages, and paths that providers call,
    ignore them.
    """
    return handler.resolve_include_in_schema() and path not in _IGNORING_PATHS


def check_parameters(request: Request[Any, Any, Any]) -> None:
    """Check the names of the query parameters, before their values are parsed.

    None is sent twice: a proxy and the service might each use another.

    Raises:
        InvalidFields
    """
    if not request.scope["query_string"]:
        return
    sent = request.query_params
    known = query_parameters(request.route_handler)
    errors = [repeated_field(name) for name in known if len(sent.getall(name, ())) > 1]
    if has_strict_parameters(request.route_handler, request.scope["path_template"]):
        unknown = [name for name in dict.fromkeys(sent) if name not in known]
        errors += [unknown_parameter(name, known) for name in unknown[:MAX_UNKNOWN_FIELDS]]
    if errors:
        raise InvalidFields(*errors)


@cache
def body_type(handler: HTTPRouteHandler) -> type[msgspec.Struct] | None:
    """Return the type of a handler's JSON body, which may be optional; None if it has none."""
    data = handler.parsed_data_field
    for field in (data, *data.inner_types) if data else ():
        if field.is_subclass_of(msgspec.Struct):
            struct: type[msgspec.Struct] = field.annotation
            return struct
    return None


@cache
def with_fields(
    struct: type[msgspec.Struct],
    fields: Sequence[tuple[type[msgspec.Struct], type[msgspec.Struct]]],
) -> type[msgspec.Struct]:
    """Return a subclass with the fields of features: pairs of what is extended, and by what."""
    added = [
        (field.name, field.type, field.default)
        for extended, extra in fields
        if issubclass(struct, extended)
        for field in msgspec.structs.fields(extra)
    ]
    if not added:
        return struct
    is_strict = struct.__struct_config__.forbid_unknown_fields
    return msgspec.defstruct(
        struct.__name__, added, bases=(struct,), kw_only=True, forbid_unknown_fields=is_strict
    )


def parse_json(content: bytes, body_type: type[A]) -> A:
    """Parse a JSON body strictly: no value is converted to another type, and no key comes twice.

    Raises:
        InvalidFields: A field is missing, unknown or of the wrong type, or comes twice, or a key in
            it does.
    """
    content = content.removeprefix(BOM_UTF8)  # RFC 8259 §8.1 lets a parser ignore it
    try:
        body = msgspec.json.decode(content, type=body_type)
        errors = _find_repeated(content, body_type)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise _find_errors(content, body_type) from None
    if errors:
        raise InvalidFields(*errors)
    return body


def _find_repeated(content: bytes, body_type: type[Any]) -> Sequence[FieldError]:
    repeated = find_repeated_keys(content, body_type.__struct_encode_fields__)
    return [
        FieldError(
            field,
            FieldErrorCode.REPEATED_FIELD,
            f"Send the key '{key[:MAX_FIELD_NAME_LENGTH]}' only once.",
        )
        for field, key in repeated.items()
    ]


def _find_errors(content: bytes, body_type: type[Any]) -> InvalidFields:
    try:
        body = msgspec.json.decode(content)
        if not isinstance(body, dict):
            return InvalidBody(FieldErrorCode.WRONG_TYPE, "The body must be a JSON object.")
        errors = [*_find_repeated(content, body_type)]
    except msgspec.ValidationError:  # without a type, it is one of a number
        return InvalidBody(FieldErrorCode.INVALID_NUMBER, "A number in the body is too large.")
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return InvalidBody(FieldErrorCode.INVALID_JSON, "The body is not valid JSON.")
    fields = msgspec.structs.fields(body_type)
    for field in fields:
        if field.encode_name not in body:
            if field.required:
                errors.append(missing_field(field.encode_name))
            continue
        try:
            msgspec.convert(body[field.encode_name], field.type)
        except msgspec.ValidationError:
            message = _type_message(field.type)
            errors.append(FieldError(field.encode_name, FieldErrorCode.WRONG_TYPE, message))
    known = [field.encode_name for field in fields]
    unknown = [name for name in body if name not in known]
    if not body_type.__struct_config__.forbid_unknown_fields:
        unknown = []  # they are ignored
    errors += [
        _unknown_field(name, "field", "body", known) for name in unknown[:MAX_UNKNOWN_FIELDS]
    ]
    return InvalidFields(*errors)


def _type_message(field_type: Any) -> str:
    info = msgspec.inspect.type_info(field_type)
    if isinstance(info, msgspec.inspect.Metadata):
        info = info.type
    types = info.types if isinstance(info, msgspec.inspect.UnionType) else (info,)
    if any(isinstance(type_, msgspec.inspect.BoolType) for type_ in types):
        return "This must be true or false."
    if any(isinstance(type_, msgspec.inspect.StrType) for type_ in types):
        return "This must be text."
    if any(isinstance(type_, msgspec.inspect.DictType) for type_ in types):
        return "This must be an object."
    if any(isinstance(type_, msgspec.inspect.StructType) for type_ in types):
        return "This must be an object, with the fields that the API description names."
    return "This has the wrong type."
