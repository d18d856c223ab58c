"""The extras of the distribution: the libraries that only some services need."""

from importlib.util import find_spec
from typing import Final

from application.ports.errors import ConfigurationError
from entrypoints.parts.version import ROOT

EXTRAS: Final = {
    "metrics": ("prometheus_client",),
    "mongo": ("beanie", "motor", "pymongo"),
    "opentelemetry": ("opentelemetry.exporter.otlp.proto.http", "opentelemetry.sdk"),
    "postgres": ("psycopg", "psycopg_pool"),
    "s3": ("aiobotocore", "aiohttp", "botocore"),
    "twilio": ("twilio",),
}


def check_extra(extra: str, subject: str) -> None:
    """Check that the libraries of an extra are installed, before an adapter imports them.

    Only these: if one of them lacks a library of its own, the installation is broken, and the
    traceback says more.

    Raises:
        ConfigurationError: A library is missing. The text names the command that installs it.
    """
    if not all(map(_is_installed, EXTRAS[extra])):
        raise ConfigurationError(
            f"{subject} needs the extra \"{extra}\": pip install --editable '{ROOT}[{extra}]'"
        )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a package that it is in
        return False
