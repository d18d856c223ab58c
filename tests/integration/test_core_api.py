"""The API of the core alone: without the plugins of features."""

from contextlib import nullcontext
from typing import Any, Final

import pytest

from entrypoints.http.app import create_app, describe_app
from tests.support import asgi
from tests.support.http_settings import make_http_settings

SETTINGS: Final = make_http_settings().http
DESCRIPTION: Final[dict[str, Any]] = describe_app(SETTINGS, [])


def test_its_description_has_only_paths_and_tags_of_the_core() -> None:
    first_segments = {path.split("/")[1] for path in DESCRIPTION["paths"]}
    assert first_segments == {"auth", "users", "health", ".well-known"}
    assert [tag["name"] for tag in DESCRIPTION["tags"]] == [
        "OTP",
        "Users",
        "Sessions",
        "Operations",
    ]


def test_its_description_has_no_fields_and_errors_of_features() -> None:
    schemas = DESCRIPTION["components"]["schemas"]
    assert "attestation" not in schemas["RequestOtpBody"]["properties"]
    assert {"media", "calls", "attestation"} & schemas["ReadinessResponse"][
        "properties"
    ].keys() == set()
    assert {
        "AttestationRequiredError",
        "ItemNotFoundError",
        "CallNotFoundError",
        "UndoNotPossibleError",
        "LegacyError",
    } & schemas.keys() == set()


@pytest.mark.parametrize(
    "path", ["/library/items", "/users/me/export", "/admin/audit", "/authenticate/get_otp", "/"]
)  # fmt: skip
async def test_paths_of_features_are_unknown(path: str) -> None:
    unused: Any = nullcontext
    app = create_app(unused, SETTINGS, [])
    scope = asgi.http_scope(("host", "test"), path=path)
    response = await asgi.request(app, scope | {"query_string": b"", "raw_path": path.encode()})
    assert response.status == 404
    assert b'"not_found"' in response.body
