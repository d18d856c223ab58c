"""What the description says of every answer: its headers, and what another method gets."""

from collections.abc import Mapping
from typing import Any, Final

from entrypoints.http.error_table import body_of
from entrypoints.http.families import Family, family_of
from entrypoints.http.refusals import MethodRefused

_FRAMEWORKS_OWN_ERROR: Final = {"detail", "status_code"}


def _header(about: str, example: str | int, *, required: bool = True) -> dict[str, Any]:
    kind = "integer" if isinstance(example, int) else "string"
    return {
        "description": about,
        "required": required,
        "schema": {"type": kind, "examples": [example]},
    }


_RETRY_AFTER: Final = "Whole seconds until the same request may work."
HEADERS: Final[Mapping[str, Any]] = {
    "RequestId": _header(
        "The id of this request, which the service's log knows too.",
        "7d5f3a0c9be14f6c8a7b6c5d4e3f2a1b",
    ),
    "NoStore": _header("No cache keeps this answer.", "no-store"),
    "RetryAfter": _header(_RETRY_AFTER, 5),
    "RetryAfterAtTimes": _header(
        _RETRY_AFTER + " Not there when waiting is no help.", 5, required=False
    ),
    "WWWAuthenticate": _header("How to show who one is.", "Bearer"),
    "Allow": _header("The methods that the path takes, as OPTIONS tells them.", "OPTIONS, POST"),
}
_ALWAYS: Final = {"X-Request-Id": "RequestId", "Cache-Control": "NoStore"}
_BY_STATUS: Final[Mapping[str, Mapping[str, str]]] = {
    "401": {"WWW-Authenticate": "WWWAuthenticate"},
    "405": {"Allow": "Allow"},
    "429": {"Retry-After": "RetryAfter"},
    "503": {"Retry-After": "RetryAfter"},
}
_REFUSED_METHODS: Final = {
    Family.MAIN: ("MethodRefused", "Refusal", "OPTIONS, POST"),
    Family.OLDER_APP: ("OlderMethodRefused", "OlderRefusal", "POST"),
}


def complete_answers(description: dict[str, Any]) -> None:
    """Put the headers in, and what another method gets; take the framework's refusals out."""
    description["components"]["headers"] = dict(HEADERS)
    description["components"]["responses"] = {
        name: _refused_method(family, schema, allowed)
        for family, (name, schema, allowed) in _REFUSED_METHODS.items()
    }
    for path, operations in description["paths"].items():
        family = family_of(path)
        for operation in operations.values():
            answers = {
                status: {**answer, "headers": _headers(family, status, answer)}
                for status, answer in operation["responses"].items()
                if not _is_frameworks_own(answer)
            }
            name = _REFUSED_METHODS[family][0]
            answers["405"] = {"$ref": f"#/components/responses/{name}"}
            operation["responses"] = dict(sorted(answers.items()))


def _headers(family: Family, status: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    names = {**_ALWAYS, **_BY_STATUS.get(status, {})}
    if family is Family.OLDER_APP and status == "500":
        # What is unavailable is a 500 to the older app, and so is what nobody foresaw.
        names["Retry-After"] = "RetryAfterAtTimes"
    headers = {name: {"$ref": f"#/components/headers/{key}"} for name, key in names.items()}
    return {**headers, **answer.get("headers", {})}


def _refused_method(family: Family, schema: str, allowed: str) -> dict[str, Any]:
    content = {
        "schema": {"$ref": f"#/components/schemas/{schema}"},
        "examples": {"another-method": {"value": body_of(MethodRefused(allowed), family)}},
    }
    return {
        "description": "What any method gets that this path does not take.",
        "headers": _headers(family, "405", {}),
        "content": {"application/json": content},
    }


def _is_frameworks_own(answer: Mapping[str, Any]) -> bool:
    schemas = [content.get("schema", {}) for content in answer.get("content", {}).values()]
    return any(set(schema.get("required", ())) == _FRAMEWORKS_OWN_ERROR for schema in schemas)
