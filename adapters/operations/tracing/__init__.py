"""Traces by OpenTelemetry: the SDK, and its exporter by OTLP over HTTP."""

from adapters.operations.tracing.provider import open_tracer
from adapters.operations.tracing.tracer import OpenTelemetryTracer

__all__ = ["OpenTelemetryTracer", "open_tracer"]
