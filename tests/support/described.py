"""Responses of the application, compared with its description."""

import re
from functools import cache
from typing import Any

import httpx
import msgspec

from entrypoints.http.app import describe_app
from tests.support.http_settings import make_http_settings, make_plugins
from tests.support.schema_check import is_valid, resolve


@cache
def description() -> dict[str, Any]:
    """Return the description of a service with all features."""
    settings = make_http_settings("https://api.example.org")
    described = describe_app(settings.http, make_plugins(settings))
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(described))
    return document


@cache
def _patterns() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    paths = description()["paths"]
    # `/users/me` before `/users/{user_id}`.
    ordered = sorted(paths, key=lambda path: path.count("{"))
    return [(re.compile(re.sub("{[^/]*?}", "[^/]+", path)), paths[path]) for path in ordered]


async def assert_described(response: httpx.Response) -> None:
    """Fail if an operation does not have the status, the headers or the body of its response."""
    path, method = response.request.url.path, response.request.method.lower()
    methods = next((known for pattern, known in _patterns() if pattern.fullmatch(path)), {})
    # The fakes have no disk, whose health is in every answer of a service.
    if method not in methods or path == "/health/ready":
        return
    statuses, shown = methods[method]["responses"], f"{method} {path}: {response.status_code}"
    assert str(response.status_code) in statuses, shown
    described = resolve(description(), statuses[str(response.status_code)])
    headers = described.get("headers", {})
    assert all(name in response.headers for name in headers if headers[name].get("required")), shown
    media_type = response.headers.get("content-type", "").partition(";")[0]
    content = described.get("content", {})
    if media_type == "application/json":
        body = msgspec.json.decode(await response.aread())
        assert is_valid(description(), content[media_type]["schema"], body), response.text
    else:
        assert media_type in content or not media_type, shown
