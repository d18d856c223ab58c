"""Settings of the HTTP side for tests."""

from dataclasses import fields, replace
from typing import Any, Final

from entrypoints.http.settings import HttpServerSettings, HttpSettings

_PARTS: Final = ("server", "otp", "identities", "media")


def make_http_settings(public_url: str = "http://test", **values: Any) -> HttpSettings:
    """Return settings without limits of requests. Each value goes to the part that has its name."""
    return change_http_settings(
        HttpSettings(server=HttpServerSettings(public_url=public_url)), **values
    )


def change_http_settings(settings: HttpSettings, **values: Any) -> HttpSettings:
    """Return settings with other values. Each goes to the part that has its name."""
    parts: dict[str, Any] = {}
    known = set[str]()
    for name in _PARTS:
        part = getattr(settings, name)
        names = {field.name for field in fields(part)}
        known |= names
        parts[name] = replace(part, **{key: value for key, value in values.items() if key in names})
    assert values.keys() <= known, values.keys() - known
    return replace(settings, **parts)
