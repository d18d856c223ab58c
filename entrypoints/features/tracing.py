"""Traces by OpenTelemetry: a span for each request, and for each that it sends to others."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from application.opened import NOTHING, Opened
from application.ports.errors import ConfigurationError
from application.ports.tracing import use_tracer
from entrypoints.features.feature import Feature
from entrypoints.parts.extras import check_extra
from entrypoints.parts.version import installed_version
from entrypoints.settings.declaration import setting
from entrypoints.settings.readers import HttpUrl
from entrypoints.settings.settings import Settings

if TYPE_CHECKING:
    from entrypoints.parts.composition import Composition

_VARIABLE: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_DISABLED: Final = "OTEL_SDK_DISABLED"


def _without_libraries() -> str:
    try:
        check_extra("opentelemetry", "it")
    except ConfigurationError as error:
        return str(error)
    return ""


@dataclass(frozen=True, kw_only=True)
class TracingSettings(Settings):
    """The collector of traces. The SDK of OpenTelemetry reads its other variables."""

    otlp_endpoint: HttpUrl | None = setting(
        "URL of a collector that gets traces by OTLP over HTTP.",
        example="http://127.0.0.1:4318",
        variable=_VARIABLE,
    )

    @property
    def has_traces(self) -> bool:
        """Whether spans are made: not without the libraries."""
        is_disabled = self.variables.values.get(_DISABLED, "").strip().lower() == "true"
        return bool(self.otlp_endpoint) and not is_disabled and not _without_libraries()


class _Tracing(Feature[None]):
    name = "tracing"
    adapters = ("operations/tracing.py",)
    settings = TracingSettings

    def notes(self, settings: Settings) -> Iterator[str]:
        if settings.is_set(_VARIABLE) and (reason := _without_libraries()):
            yield f"{_VARIABLE}: There are no traces, because {reason}"

    async def open(self, composition: "Composition") -> Opened[None]:
        """Open the SDK in each worker. Commands are not traced."""
        settings = composition.settings.of(TracingSettings)
        if not composition.is_service or settings.otlp_endpoint is None or not settings.has_traces:
            return NOTHING
        from adapters.operations.tracing import open_tracer

        tracer = await composition.stack.enter_async_context(
            open_tracer(settings.otlp_endpoint, installed_version())
        )
        composition.stack.enter_context(use_tracer(tracer))
        return NOTHING


TRACING: Final = _Tracing()
