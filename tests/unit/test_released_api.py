"""No later version lacks what a release has: a path, a parameter, a field or a code.

Clients of two releases use the service at the same time (docs/deployment.md).
"""

import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from tests.releases import RELEASES, description_of

CURRENT: Final = json.loads(Path("docs/openapi.json").read_bytes())
_COMBINATIONS: Final = ("allOf", "anyOf", "oneOf")


def promises(document: Mapping[str, Any]) -> set[str]:
    """Return what the clients of a description may rely on, a line for each."""
    found = set[str]()
    for name, operation in operations(document):
        found.add(name)
        for each in operation_parameters(operation):
            found.add(f"{name}: parameter {each['name']}")
        for line in body_fields(document, operation.get("requestBody", {})):
            found.add(f"{name}: request field {line}")
        for status, reference in operation["responses"].items():
            response = resolved(document, reference)
            lines = [
                f"status {status}",
                *(f"{status} header {each}" for each in response.get("headers", {})),
                *(f"{status} {each}" for each in error_codes(response)),
                *(f"{status} field {each}" for each in body_fields(document, response)),
            ]
            found.update(f"{name}: {line}" for line in lines)
    return found


def demands(document: Mapping[str, Any]) -> set[str]:
    """Return what requests must have, a line for each."""
    found = set[str]()
    for name, operation in operations(document):
        for each in operation_parameters(operation):
            if each.get("required"):
                found.add(f"{name}: parameter {each['name']}")
        for media_type in operation.get("requestBody", {}).get("content", {}).values():
            schema = resolved(document, media_type.get("schema", {}))
            found.update(f"{name}: request field {each}" for each in schema.get("required", ()))
    return found


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return what the new description lacks, and what it demands of the clients of the old one."""
    names = {name for name, _ in operations(old)}
    added = {line for line in demands(new) - demands(old) if line.partition(":")[0] in names}
    return [
        *(f"lacks {line}" for line in sorted(promises(old) - promises(new))),
        *(f"demands {line}" for line in sorted(added)),
    ]


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, by_method in document["paths"].items():
        for method, operation in by_method.items():
            yield f"{method.upper()} {path}", operation


def operation_parameters(operation: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    parameters: list[Mapping[str, Any]] = operation.get("parameters", [])
    return parameters


def error_codes(response: Mapping[str, Any]) -> Iterator[str]:
    """Yield the codes of the examples: there is one for each error."""
    for media_type in response.get("content", {}).values():
        for example in media_type.get("examples", {}).values():
            if "code" in (value := example["value"]):
                yield f"code {value['code']}"
            yield from (f"field code {each['code']}" for each in value.get("field_errors", ()))


def body_fields(document: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[str]:
    for media_type, content in body.get("content", {}).items():
        for line in fields(document, content.get("schema", {})):
            yield f"{line} ({media_type})"


def fields(document: Mapping[str, Any], schema: Any, prefix: str = "") -> Iterator[str]:
    """Yield each field with its types, and each value of an enumeration, at any depth."""
    schema = resolved(document, schema)
    for value in schema.get("enum", schema.get("x-extensible-enum", ())):
        yield f"{prefix} = {value}"
    for combined in (each for key in _COMBINATIONS for each in schema.get(key, ())):
        yield from fields(document, combined, prefix)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from fields(document, schema[key], f"{prefix}[]")
    types = schema.get("type")
    for each in [types] if isinstance(types, str) else types or ():
        yield f"{prefix}: {each}"
    for name, field in schema.get("properties", {}).items():
        yield from fields(document, field, f"{prefix}.{name}")


def resolved(document: Mapping[str, Any], value: Any) -> Any:
    while "$ref" in value:
        target: Any = document
        for key in value["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        value = target
    return value


# 0.2.0 is kept anew when it is released. Until then these are its differences, below `/admin/`
# only: people come by the console, whose browsers and passkeys have other fields.
CHANGED_BEFORE_RELEASE: Final = re.compile(
    r"lacks \w+ /admin/[^:]*: (?:403 code reauthentication_required"
    r"|200 field \.console_(?:devices|passkeys)\b.*)"
)


def test_nothing_of_a_release_is_lacking() -> None:
    for release in RELEASES:
        lines = compare(description_of(release), CURRENT)
        lacking = [line for line in lines if not CHANGED_BEFORE_RELEASE.fullmatch(line)]
        assert lacking == [], release


def without(document: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Return the description without the value at this place."""
    changed = target = deepcopy(dict(document))
    for key in keys[:-1]:
        target = target[key]
    del target[keys[-1]]
    return changed


def test_what_is_lacking_and_what_is_newly_required_is_named() -> None:
    operation = "/auth/verify-otp"
    all_of_it = CURRENT | {"paths": {operation: CURRENT["paths"][operation]}}
    less = without(
        all_of_it, "components", "schemas", "VerifiedOtpResponse", "properties", "access_token"
    )
    line = "lacks POST /auth/verify-otp: 200 field .access_token: string (application/json)"
    assert line in compare(all_of_it, less)
    less = without(all_of_it, "paths", operation, "post", "responses", "403")
    assert "lacks POST /auth/verify-otp: 403 code login_rejected" in compare(all_of_it, less)
    more = deepcopy(all_of_it)
    more["components"]["schemas"]["VerifyOtpBody"]["required"].append("device")
    assert "demands POST /auth/verify-otp: request field device" in compare(all_of_it, more)
    assert compare(more, all_of_it) == []
