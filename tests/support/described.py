"""Responses of the application, compared with its description."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import httpx
import msgspec

from entrypoints.features.feature import Feature
from entrypoints.http.app import describe_app
from tests.support.http_settings import current_features, make_http_additions, make_http_settings
from tests.support.schema_check import make_validator, resolve


def description() -> dict[str, Any]:
    """Return the description of a service with all features, or with those of the test."""
    return _describe(current_features())


# Tests open services with other features, so each tuple of them has a description of its own.
@cache
def _describe(features: tuple[Feature[Any], ...]) -> dict[str, Any]:
    del features  # `make_http_additions` reads them where tests replace them
    settings = make_http_settings("https://api.example.org")
    described = describe_app(settings.http, make_http_additions(settings))
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(described))
    return document


@cache
def _patterns(features: tuple[Feature[Any], ...]) -> list[tuple[re.Pattern[str], str]]:
    # `/users/me` before `/users/{user_id}`.
    ordered = sorted(_describe(features)["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub("{[^/]*?}", "[^/]+", path)), path) for path in ordered]


@cache
def _validator(
    features: tuple[Feature[Any], ...], path: str, method: str, status: str
) -> Callable[[Any], bool]:
    document = _describe(features)
    response = resolve(document, document["paths"][path][method]["responses"][status])
    return make_validator(document, response["content"]["application/json"]["schema"])


async def assert_described(response: httpx.Response) -> None:
    """Fail if an operation does not have the status, the headers or the body of its response."""
    features = current_features()
    url, method = response.request.url.path, response.request.method.lower()
    path = next((known for pattern, known in _patterns(features) if pattern.fullmatch(url)), "")
    methods = description()["paths"].get(path, {})
    # The fakes have no disk, whose health is in every answer of a service.
    if method not in methods or path == "/health/ready":
        return
    status = str(response.status_code)
    statuses, shown = methods[method]["responses"], f"{method} {url}: {status}"
    assert status in statuses, shown
    described = resolve(description(), statuses[status])
    headers = described.get("headers", {})
    assert all(name in response.headers for name in headers if headers[name].get("required")), shown
    media_type = response.headers.get("content-type", "").partition(";")[0]
    if media_type == "application/json":
        body = msgspec.json.decode(await response.aread())
        assert _validator(features, path, method, status)(body), response.text
    else:
        assert media_type in described.get("content", {}) or not media_type, shown
