"""Traces by OpenTelemetry: DIALTONE_EXTENSIONS=entrypoints.extensions.opentelemetry:feature.

It is an extension like any other: the core has no word of OpenTelemetry, and nothing of it is
imported without this setting.
"""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from os import environ
from typing import Final

from entrypoints.extensions import EXTENSION_API, Extension, Tracer, setting
from entrypoints.opening.extras import check_extra
from entrypoints.settings.parsers import parse_yes_or_no
from entrypoints.version.distribution import installed_version


@dataclass(frozen=True, kw_only=True)
class OpenTelemetrySettings:
    """What the operator decides, besides the variables of OpenTelemetry."""

    continue_all: bool = setting(
        "Whether the traces of all clients are continued, and not only those of trusted proxies.",
        parse_yes_or_no,
        default="no",
    )


class OpenTelemetry(Extension):
    """Spans of requests, and of the calls to databases and providers that they make."""

    name = "opentelemetry"
    api = EXTENSION_API
    settings = OpenTelemetrySettings

    def tracer(self, settings: OpenTelemetrySettings) -> AbstractAsyncContextManager[Tracer] | None:
        """Return what opens the SDK; None if its own variable disables it."""
        if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            return None  # otherwise its ids in the log would be zeros
        from adapters.opentelemetry import open_tracer

        return open_tracer(installed_version(), continues_all=settings.continue_all)

    def http(self) -> None:
        """Check the installation, at the start and by `check-settings`. It has no paths."""
        check_extra("opentelemetry", "it")


feature: Final = OpenTelemetry()
