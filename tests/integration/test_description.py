"""The description says what is so: in its schemas, its examples and its headers."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

import msgspec
import pytest

from entrypoints.http.api_page.description import describe_api
from entrypoints.http.app import CONTROLLERS
from entrypoints.http.http_settings import HttpSettings
from tests.support.schema_check import fits, resolved

SETTINGS: Final = HttpSettings("1", "http://127.0.0.1:8000", 20_000_000)
DOCUMENT: Final[dict[str, Any]] = msgspec.json.decode(
    msgspec.json.encode(describe_api(CONTROLLERS, SETTINGS))
)
SCHEMAS: Final[dict[str, dict[str, Any]]] = DOCUMENT["components"]["schemas"]
OPERATIONS: Final[dict[str, dict[str, Any]]] = {
    operation["operationId"]: operation
    for path in DOCUMENT["paths"].values()
    for operation in path.values()
}
ANSWERS: Final = [
    (name, status, resolved(DOCUMENT, answer))
    for name, operation in OPERATIONS.items()
    for status, answer in operation["responses"].items()
]
OLDER: Final = {"olderGetOtp", "olderValidateOtp"}
REFUSALS: Final = {"Refusal", "LaterRefusal", "DetailedRefusal", "PhoneClash", "FieldRefusals"}


def every_part(part: Any = DOCUMENT) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
        for one in part.values():
            yield from every_part(one)
    elif isinstance(part, list):
        for one in part:
            yield from every_part(one)


def headers_of(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: resolved(DOCUMENT, one) for name, one in answer["headers"].items()}


def test_it_is_openapi_3_1_and_names_and_explains_every_operation() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    assert len(OPERATIONS) == sum(len(path) for path in DOCUMENT["paths"].values())
    assert all(operation["description"] for operation in OPERATIONS.values())


def test_a_refusal_has_no_body_but_ours() -> None:
    for name, status, answer in ANSWERS:
        if int(status) >= 400 and (name, status) != ("ready", "503"):
            schema = answer["content"]["application/json"]["schema"]
            shapes = {one["$ref"].rpartition("/")[2] for one in schema.get("anyOf", [schema])}
            assert shapes <= ({"OlderRefusal"} if name in OLDER else REFUSALS), (name, status)


def test_every_reference_leads_somewhere() -> None:
    references = [part for part in every_part() if "$ref" in part]
    assert references
    assert all(resolved(DOCUMENT, part) for part in references)


def test_two_shapes_that_fit_the_same_answer_contradict_nobody() -> None:
    assert not [part for part in every_part() if "oneOf" in part]


def test_every_example_of_a_schema_fits_it() -> None:
    schemas = [part for part in every_part() if isinstance(part.get("examples"), list)]
    assert len(schemas) > 50
    for schema in schemas:
        for example in schema["examples"]:
            assert fits(DOCUMENT, schema, example), (schema, example)


def test_every_example_of_an_answer_fits_it_and_is_one_that_we_give() -> None:
    for name, status, answer in ANSWERS:
        for content in answer.get("content", {}).values():
            for example in content.get("examples", {}).values():
                assert fits(DOCUMENT, content["schema"], example["value"]), (name, status)
                assert "field" not in example["value"].get("errors", {}), (name, status)


def test_every_refusal_has_an_example() -> None:
    for name, status, answer in ANSWERS:
        if int(status) >= 400 and (name, status) != ("ready", "503"):
            assert answer["content"]["application/json"]["examples"], (name, status)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_property_says_what_it_is_and_shows_it(name: str) -> None:
    for field, schema in SCHEMAS[name]["properties"].items():
        assert schema["description"], field
        assert "examples" in schema or schema["type"] == "array", field


def test_every_parameter_says_what_it_is_and_shows_it() -> None:
    for operation in OPERATIONS.values():
        for parameter in operation.get("parameters", ()):
            assert parameter["description"]
            assert parameter["schema"]["examples"]
            assert "anyOf" not in parameter["schema"]


def test_every_answer_has_a_sentence_of_ours() -> None:
    for name, status, answer in ANSWERS:
        said = answer["description"]
        assert said.endswith("."), (name, status)
        assert said != HTTPStatus(int(status)).description
        assert "`limit`" not in said


@pytest.mark.parametrize(
    ("status", "header"),
    [
        ("401", "WWW-Authenticate"),
        ("405", "Allow"),
        ("429", "Retry-After"),
        ("503", "Retry-After"),
    ],
)
def test_what_an_answer_carries_is_declared(status: str, header: str) -> None:
    answers = [answer for _, given, answer in ANSWERS if given == status]
    assert answers
    assert all(headers_of(answer)[header]["required"] for answer in answers)


def test_every_answer_declares_its_id_and_whether_it_may_be_kept() -> None:
    for _, _, answer in ANSWERS:
        assert headers_of(answer)["X-Request-Id"]["required"]
        assert headers_of(answer)["Cache-Control"]["required"]


def test_the_older_app_is_told_that_a_500_may_name_a_time() -> None:
    for name in OLDER:
        answer = OPERATIONS[name]["responses"]["500"]
        assert headers_of(answer)["Retry-After"]["required"] is False


def test_every_operation_tells_what_another_method_gets() -> None:
    for name, operation in OPERATIONS.items():
        older = "Older" if name in OLDER else ""
        shared = f"#/components/responses/{older}MethodRefused"
        assert operation["responses"]["405"] == {"$ref": shared}


def test_bodies_that_refuse_unknown_fields_say_so() -> None:
    closed = {name for name, schema in SCHEMAS.items() if "additionalProperties" in schema}
    assert closed == {
        "AnswerBody", "AskBody", "CategoryBody", "LogoutBody", "OlderAnswerBody",
        "RefreshBody", "RenameBody", "UserBody",
    }  # fmt: skip


def test_what_an_answer_always_has_is_required() -> None:
    assert "message" in SCHEMAS["OtpSent"]["required"]
    assert SCHEMAS["Item"]["properties"].keys() - SCHEMAS["Item"]["required"] == {"url_expires_at"}
    clash = SCHEMAS["PhoneClash"]
    assert clash["properties"].keys() - clash["required"] == {"user_id", "username"}


def test_signing_out_takes_a_body_or_none_but_not_null() -> None:
    body = OPERATIONS["logout"]["requestBody"]
    assert body["required"] is False
    schema = body["content"]["application/json"]["schema"]
    assert fits(DOCUMENT, schema, {"scope": "this"})
    assert not fits(DOCUMENT, schema, None)


def test_an_upload_may_find_too_many_pictures_being_worked_on() -> None:
    assert "503" in OPERATIONS["uploadPicture"]["responses"]


def test_a_file_is_bytes_of_one_of_three_kinds() -> None:
    content = OPERATIONS["openFile"]["responses"]["200"]["content"]
    assert content == {"image/gif": {}, "image/jpeg": {}, "image/png": {}}


def test_a_page_is_asked_for_by_number_or_by_cursor() -> None:
    asked = {one["name"] for one in OPERATIONS["readLibrary"]["parameters"]}
    assert {"page", "per_page", "cursor"} < asked
    assert "next_cursor" in SCHEMAS["ItemPage"]["required"]


def test_every_link_hands_on_what_the_answer_has_to_an_operation_that_takes_it() -> None:
    links = [
        (answer["content"]["application/json"]["schema"], link)
        for _, _, answer in ANSWERS
        for link in answer.get("links", {}).values()
    ]
    assert len(links) > 5
    for schema, link in links:
        taken = {one["name"] for one in OPERATIONS[link["operationId"]]["parameters"]}
        assert link["parameters"].keys() <= taken
        for expression in link["parameters"].values():
            part = schema
            for step in expression.removeprefix("$response.body#/").split("/"):
                part = resolved(DOCUMENT, part)
                part = part["items"] if step.isdecimal() else part["properties"][step]
