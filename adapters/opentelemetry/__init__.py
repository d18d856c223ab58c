"""Traces by OpenTelemetry: the SDK, and its exporter by OTLP over HTTP."""

from adapters.opentelemetry.provider import open_tracer
from adapters.opentelemetry.tracer import OpenTelemetryTracer

__all__ = ["OpenTelemetryTracer", "open_tracer"]
