"""The banner that an operator sees when the service starts."""

from collections.abc import Mapping
from typing import NamedTuple

from entrypoints.opening.providers import prints_codes
from entrypoints.settings.read import describe_settings
from entrypoints.settings.settings import Settings
from entrypoints.version.distribution import installed_version


class BannerParts(NamedTuple):
    """What the features that a worker has opened add to the banner; see `Opening`."""

    urls: Mapping[str, str]
    adapters: Mapping[str, str]


def render_banner(settings: Settings, parts: BannerParts) -> str:
    """Render the URLs of the service and the adapters in use."""
    url = settings.bind.local_url
    shown = {row.name: row.shown for row in describe_settings(settings)}
    hint = " (shown below)" if any(map(prints_codes, settings.sms)) else ""
    keys = str(settings.secrets_file) if settings.are_keys_in_file else "in DIALTONE_SECRETS"
    rows = [
        *parts.urls.items(),
        ("API docs", f"{url}/docs"),
        ("messages", f"{shown['DIALTONE_SMS']}{hint}"),
        *sorted(parts.adapters.items()),
        ("database", shown["DIALTONE_DATABASE"]),
        ("keys", keys),
    ]
    return "\n".join(
        [
            "",
            f"  Dialtone {installed_version()} listens on {url}",
            "",
            *(f"  {name + ':':<10} {text}" for name, text in rows),
            "",
            "  Press Ctrl-C to stop.",
            "",
        ]
    )
