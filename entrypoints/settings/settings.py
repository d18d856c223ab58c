"""The settings of the core: one class for each part of it, one field for each variable."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from application.ports.errors import ConfigurationError
from domain.errors import InvalidValue
from domain.otp.sliding_window import SlidingWindow
from entrypoints.settings import parsers
from entrypoints.settings.declaration import limit, setting
from entrypoints.settings.identities import IdentitySettings
from entrypoints.settings.service import ServiceSettings
from entrypoints.settings.values import Bind, Environment, Secret


def parse_secrets(text: str) -> Secret[str]:
    """Check the document of the keys, which may have several lines."""
    from adapters.security.keys import keys

    if not text.startswith("{"):
        raise InvalidValue(
            "Must be the JSON text of a secrets file, which `dialtone keys generate -` prints."
        )
    try:
        keys.parse_secrets(text)
    except ConfigurationError as error:
        raise InvalidValue(str(error)) from None
    return Secret(text)


@dataclass(frozen=True, kw_only=True)
class KeySettings(ServiceSettings):
    """The keys."""

    secrets_file: Path = setting(
        "File with the keys; development creates it if it is missing, production does not.",
        "var/secrets.json",
    )
    secrets: Annotated[Secret[str], parse_secrets] = setting(
        "Text of a secrets file, instead of DIALTONE_SECRETS_FILE.",
        example='"$(dialtone keys generate -)"',
        has_lines=True,
    )

    @property
    def are_keys_in_file(self) -> bool:
        return not self.secrets.value


@dataclass(frozen=True, kw_only=True)
class ServerSettings(ServiceSettings):
    """How the server runs, and how often it cleans up."""

    web_origins: tuple[Annotated[str, parsers.parse_web_origin], ...] = setting(
        "Origins of the web apps that may use the API from browsers (CORS).",
        example="https://app.example.org",
    )
    workers: Annotated[int, parsers.number(1, 256)] = setting("Number of server processes.", "1")
    stop_delay: Annotated[timedelta, parsers.duration("0s", "10m")] = setting(
        "After SIGTERM, the service still accepts requests for this time; in production 5s.",
        # In development, no balancer routes requests by readiness.
        derived=lambda env: "5s" if env is Environment.PRODUCTION else "0s",
        example="10s",
    )
    drain_timeout: Annotated[timedelta, parsers.duration("1s", "1h")] = setting(
        "Time that open requests have to finish after the stop delay.", "30s"
    )
    log_level: Literal["debug", "info", "warning", "error"] = setting(
        "Lowest level that is logged: debug, info, warning or error.", "info"
    )
    log_format: Literal["auto", "console", "json"] = setting(
        "console for people or json for machines; auto is console on a terminal and json "
        "elsewhere.",
        "auto",
    )
    metrics_bind: Bind | None = setting(
        "Host and port of /metrics for Prometheus: without a token, so not for the internet."
    )
    cleanup_interval: Annotated[timedelta | None, parsers.duration_or_off("1m", "1d")] = setting(
        "Time between cleanups; off if you run `dialtone cleanup` by cron instead.", "15m"
    )
    request_limit_per_identity: SlidingWindow = limit(
        "Requests of one signed-in user per minute; each instance counts for itself, "
        "approximately.",
        "600/1m",
    )
    refresh_limit_per_ip: SlidingWindow = limit(
        "Refreshes, status requests and logouts without a token, per IP and minute, approximately.",
        "1200/1m",
    )


S = TypeVar("S")


# A dataclass has the fields of its last base first.
@dataclass(frozen=True, kw_only=True)
class Settings(ServerSettings, IdentitySettings, KeySettings):
    """What the operator decides. `read_settings` parses and checks each field.

    - The variable is the field's name in upper case, after `DIALTONE_` unless it is a vendor's.
    - A field without a value is None, or empty.
    - The fields of a vendor have values if another setting names the vendor. Otherwise these
      variables are not read: other programs use them too.
    - A feature has a subclass with its settings, which overrides what it changes in the core. What
      `read_settings` returns is an instance of the classes of all features.
    """

    def of(self, settings: type[S]) -> S:
        """Return these settings as those of a feature, which is installed.

        Raises:
            TypeError: It is not installed.
        """
        if not isinstance(self, settings):
            raise TypeError(f"These settings have no {settings.__name__}: it is not installed.")
        return self
