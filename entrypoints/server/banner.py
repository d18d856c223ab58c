"""The banner that an operator sees when the service starts."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from entrypoints.composition.read_settings import describe_settings
from entrypoints.parts.version import installed_version
from entrypoints.settings.providers import prints_codes
from entrypoints.settings.settings import Settings


class BannerParts(NamedTuple):
    """Additions to the banner by the features that a worker has opened; see `Composition`."""

    urls: Mapping[str, str]
    adapters: Mapping[str, str]


def list_banner_rows(settings: Settings, parts: BannerParts) -> Sequence[tuple[str, str]]:
    """Return the URLs of the service and the adapters in use, by what they are for."""
    shown = {row.name: row.shown for row in describe_settings(settings)}
    hint = " (shown below)" if any(map(prints_codes, settings.sms)) else ""
    keys = str(settings.secrets_file) if settings.are_keys_in_file else "in DIALTONE_SECRETS"
    return [
        *parts.urls.items(),
        ("API docs", f"{settings.bind.local_url}/docs"),
        ("messages", f"{shown['DIALTONE_SMS']}{hint}"),
        *sorted(parts.adapters.items()),
        ("database", shown["DIALTONE_DATABASE"]),
        ("keys", keys),
    ]


def render_banner(settings: Settings, parts: BannerParts) -> str:
    """Render them for people."""
    return "\n".join(
        [
            "",
            f"  Dialtone {installed_version()} listens on {settings.bind.local_url}",
            "",
            *(f"  {name + ':':<10} {text}" for name, text in list_banner_rows(settings, parts)),
            "",
            "  Press Ctrl-C to stop.",
            "",
        ]
    )
