"""Test data and hooks for schemathesis: formats, files, tokens and client IPs."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from typing import Any, Final

import schemathesis
from hypothesis import strategies as st
from schemathesis import AuthContext, BaseSchema, Case, HookContext
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase
from schemathesis.hooks import unregister
from schemathesis.transport.serialization import Binary

from tests.e2e.description.people import People, Person
from tests.support.images import animated_gif, plain_jpeg, transparent_png
from tests.support.schema_check import is_valid

MEDIA_TYPES: Final = {"application/json", "multipart/form-data"}
PHONES: Final = ("+919876543210", "+49 1512-3456789", "\uff0b44 7400 123456")
OTPS: Final = ("271828", "27 18-28", "\u0662\u0667\u0661\u0668\u0662\u0668")
IGNORED: Final = {"device_token", "admin"}
USERNAMES: Final = ("Asha Rao", "Zoë", "李", "x" * 64)


def register_formats(own_phone: str, own_name: str) -> None:
    """Make schemathesis generate phones, codes and usernames that are valid."""
    schemathesis.openapi.format("phone", st.sampled_from([*PHONES, own_phone]))
    schemathesis.openapi.format("otp", st.sampled_from(OTPS))
    schemathesis.openapi.format("username", st.sampled_from([*USERNAMES, own_name]))


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


def add_hooks(schema: BaseSchema, document: dict[str, Any], people: People, person: Person) -> None:
    """Add tokens and files to the requests; drop requests that schemathesis mislabels."""

    # Not the person: after a rename, creating the same user again would be a conflict.
    renamed = people.add_person()

    class Tokens:
        def get(self, case: Case[Any], context: AuthContext) -> str:
            match case.operation.definition.raw["operationId"]:
                case "logout" | "delete_me" | "revoke_session":
                    return people.next_token()
                case "rename_me":
                    return renamed.account.token
                case _:
                    return person.account.token

        def set(self, case: Case[Any], token: str, context: AuthContext) -> None:
            case.headers["Authorization"] = f"Bearer {token}"

    document = _remove_ignored_types(document)
    without_formats = _remove_formats(document)

    def has_correct_label(context: HookContext, case: Case[Any]) -> bool:
        return _has_correct_label(document, without_formats, case)

    sent = set[tuple[str, str]]()

    def is_first_of_its_type(context: HookContext, case: Case[Any]) -> bool:
        """Keep one wrong type of each field: there are over a thousand, and one rule."""
        fault = _fault(case)
        key = (case.operation.label, fault)
        is_new = key not in sent or "Incorrect type" not in fault
        sent.add(key)
        return is_new

    def is_looked_at(context: HookContext, case: Case[Any]) -> bool:
        """Keep one case of an operation of the administration, and one of each fault for all.

        Nobody here is an administrator, so nothing else of a request is looked at.
        """
        if not case.operation.path.startswith("/admin/") or not _is_of_coverage(case):
            return True
        keys = {(case.operation.label, ""), ("/admin/", _fault(case))}
        is_new = not keys <= sent
        sent.update(keys)
        return is_new

    schema.auth(refresh_interval=None)(Tokens)
    schema.hooks.hook("filter_case")(has_correct_label)
    schema.hooks.hook("filter_case")(is_first_of_its_type)
    schema.hooks.hook("filter_case")(is_looked_at)
    schema.hooks.hook("flatmap_body")(_add_file)


@contextmanager
def use_many_client_ips(people: People) -> Iterator[None]:
    """Send each request from a new client IP, so that no rate limit is reached."""

    def set_client_ip(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
        case.headers.update(people.next_ip())

    schemathesis.hook("before_call")(set_client_ip)
    try:
        yield
    finally:
        unregister(set_client_ip)


def _is_of_coverage(case: Case[Any]) -> bool:
    return case.meta is not None and case.meta.phase.name is TestPhase.COVERAGE


def _fault(case: Case[Any]) -> str:
    return str(getattr(case.meta and case.meta.phase.data, "description", ""))


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


def _remove_ignored_types(document: dict[str, Any]) -> dict[str, Any]:
    """Remove the types of the fields whose values of another type are ignored."""
    document = deepcopy(document)
    for schema in document["components"]["schemas"].values():
        for name in IGNORED & schema["properties"].keys():
            schema["properties"][name].pop("type")
    return document


def _remove_formats(part: Any) -> Any:
    if isinstance(part, dict):
        return {
            name: _remove_formats(value)
            for name, value in part.items()
            # Their values are also generated by their patterns. A numbering plan or a table of
            # Unicode decides which of these are valid, as the description says.
            if name != "format" or value in ("otp", "phone")
        }
    return [_remove_formats(element) for element in part] if isinstance(part, list) else part


def _add_file(context: HookContext, body: Any) -> st.SearchStrategy[Any]:
    if not isinstance(body, dict) or "file" not in body:
        return st.just(body)
    return st.sampled_from(files()).map(lambda file: {**body, "file": Binary(file)})
