"""What schemathesis is told of this service that no description has."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import schemathesis
from hypothesis import strategies as st
from schemathesis import AuthContext, BaseSchema, Case, HookContext
from schemathesis.core.parameters import ParameterLocation
from schemathesis.hooks import unregister
from schemathesis.transport.serialization import Binary

from tests.e2e.description.callers import Callers, Person
from tests.e2e.description.formats import files
from tests.schema_check import is_valid

MEDIA_TYPES: Final = {"application/json", "multipart/form-data"}


def hook_up(schema: BaseSchema, document: dict[str, Any], callers: Callers, person: Person) -> None:
    """Give a schema its tokens and its files, and drop what is not what it claims to be."""

    # Under another name, the person would be a clash for whoever becomes a user again.
    renamed = callers.settle()

    class Tokens:
        def get(self, case: Case[Any], context: AuthContext) -> str:
            match case.operation.definition.raw["operationId"]:
                case "logout" | "deleteMe" | "endSession":
                    return callers.next_token()
                case "renameMe":
                    return renamed.token
                case _:
                    return person.token

        def set(self, case: Case[Any], token: str, context: AuthContext) -> None:
            case.headers["Authorization"] = f"Bearer {token}"

    without_formats = _without_formats(document)

    def is_what_it_claims(context: HookContext, case: Case[Any]) -> bool:
        return _is_what_it_claims(document, without_formats, case)

    schema.auth(refresh_interval=None)(Tokens)
    schema.hooks.hook("filter_case")(is_what_it_claims)
    schema.hooks.hook("flatmap_body")(_with_a_file)


@contextmanager
def from_many_addresses(callers: Callers) -> Iterator[None]:
    """Have each request come from an address of its own, so that no budget is used up."""

    def from_elsewhere(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
        case.headers.update(callers.next_address())

    schemathesis.hook("before_call")(from_elsewhere)
    try:
        yield
    finally:
        unregister(from_elsewhere)


def _is_what_it_claims(
    document: dict[str, Any], without_formats: dict[str, Any], case: Case[Any]
) -> bool:
    # Schemathesis reads patterns more coarsely than they are written, and holds each text that
    # was not made for a format to be against it; so its bodies are looked at once more.
    if case.meta is None or not isinstance(case.body, dict) or case.media_type not in MEDIA_TYPES:
        return True
    is_wrong = case.meta.is_negative_at(ParameterLocation.BODY)
    # What was made for a format is for the service alone to judge.
    known = document if is_wrong else without_formats
    operation = known["paths"][case.operation.path][case.operation.method.lower()]
    schema = operation["requestBody"]["content"][case.media_type]["schema"]
    return is_valid(known, schema, case.body) is not is_wrong


def _without_formats(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _without_formats(one) for name, one in part.items() if name != "format"}
    return [_without_formats(one) for one in part] if isinstance(part, list) else part


def _with_a_file(context: HookContext, body: Any) -> st.SearchStrategy[Any]:
    if not isinstance(body, dict) or "file" not in body:
        return st.just(body)
    return st.sampled_from(files()).map(lambda file: {**body, "file": Binary(file)})
