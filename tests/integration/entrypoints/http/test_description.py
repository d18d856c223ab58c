"""The OpenAPI description is complete and consistent: schemas, examples, errors, headers."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any, Final

from domain.errors import InvalidValue
from domain.features.admin import TokenNotFound
from entrypoints.composition.openapi import render_description
from entrypoints.http.app import describe_app, make_error_table
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.errors.table import INVALID_CODE, ApiError, ErrorRow
from entrypoints.http.features.media.errors import MediaFieldCode
from tests.support.described import description
from tests.support.http_settings import (
    change_http_settings,
    make_http_additions,
    make_http_settings,
)

PROJECT: Final = Path(__file__).parents[4]
SETTINGS: Final = make_http_settings("https://api.example.org")
PUBLIC: Final = {
    "start_console_sign_in", "sign_in_to_console",
    "request_otp", "verify_otp", "refresh_session", "health_live", "health_ready", "get_jwks",
    "get_issuer_metadata", "get_openid_configuration", "get_upload_limits",
    "get_delivery_status", "start_passkey_sign_in", "sign_in_with_passkey", "legacy_get_otp",
    "legacy_validate_otp",
}  # fmt: skip


def schemas() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = description()["components"]["schemas"]
    return found


def known_values(schema: str, field: str) -> set[str]:
    return set(schemas()[schema]["properties"][field]["x-extensible-enum"])


def is_response(error: type[ApiError], row: ErrorRow) -> bool:
    """Return whether the API has responses with the code of this error, not only fields."""
    is_field = issubclass(error, InvalidValue) or (row.field and not row.keeps_error)
    return row.code != INVALID_CODE and error is not TokenNotFound and not is_field


def test_the_schemas_list_every_code_of_the_error_table() -> None:
    rows = make_error_table(make_http_additions(SETTINGS)).rows
    codes = {row.code for error, row in rows.items() if is_response(error, row)}
    assert known_values("ServiceError", "code") == codes
    assert known_values("FieldError", "code") == {*FieldErrorCode, *MediaFieldCode}
    assert known_values("InvalidFieldsError", "code") == {"invalid"}


def test_every_operation_says_whether_it_needs_an_access_token() -> None:
    operations = {
        operation["operationId"]: operation
        for path in description()["paths"].values()
        for operation in path.values()
    }
    for name, operation in operations.items():
        security = operation["security"]
        if name in ("logout", "get_media_file", "start_staff_passkey", "add_staff_passkey"):
            assert security in ([{"bearer": []}, {}], [{}, {"bearer": []}])
        else:
            assert security == ([] if name in PUBLIC else [{"bearer": []}]), name


def test_the_committed_description_is_up_to_date_and_has_no_host() -> None:
    document = render_description()
    assert (PROJECT / "docs/openapi.json").read_text(encoding="utf-8") == document, (
        "The API or its description has changed. If that is intended, run `make openapi` and"
        " commit docs/openapi.json."
    )
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    assert json.loads(document)["info"]["version"] == project["project"]["version"]
    assert json.loads(document)["servers"] == [{"url": "/"}]


def test_the_server_and_the_length_of_codes_are_those_of_the_settings() -> None:
    document = describe_app(
        change_http_settings(SETTINGS, otp_length=8).http, make_http_additions(SETTINGS)
    )
    bodies = {
        "VerifyOtpBody": "otp",
        "LegacyValidateOtpBody": "otp",
        "ChangePhoneBody": "old_otp",
    }
    for name, field in bodies.items():
        otp = document["components"]["schemas"][name]["properties"][field]
        assert otp["examples"] == ["00012313"]
        assert [bool(re.search(otp["pattern"], "1" * n)) for n in (7, 8, 9)] == [False, True, False]
    assert document["servers"] == [{"url": SETTINGS.server.public_url}]
