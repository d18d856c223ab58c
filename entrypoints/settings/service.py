"""The settings of the service itself: its server, database, keys and log."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from domain.otp.sliding_window import SlidingWindow
from entrypoints.bind import Bind
from entrypoints.settings import parsers, services
from entrypoints.settings.declaration import LIMIT_PROFILES, essential, limit, optional
from entrypoints.settings.values import Database, Environment, Factory, Network, Secret, Variables

_request_limit = parsers.rate_limit(1_000_000)


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """How the service runs."""

    limits: str = essential(parsers.choice(*LIMIT_PROFILES), default="medium")
    """small, medium or large: sets all limits of messages, codes and calls, see docs/abuse.md."""
    env: Environment = essential(
        parsers.choice(*Environment), default="development", example="production"
    )
    """development or production; production rejects settings that are only safe for trying out."""
    bind: Bind = essential(parsers.parse_bind, default="127.0.0.1:8000")
    """Host and port that the server listens on."""
    public_url: str = essential(
        parsers.parse_url,
        derive=lambda settings: str(settings.bind.local_url),
        example="https://dialtone.example.org",
    )
    """URL at which clients reach the service; by default that of DIALTONE_BIND."""
    trusted_proxies: tuple[Network, ...] = essential(
        parsers.parse_trusted_proxies, unset=(), example="10.0.0.0/8,192.168.1.5"
    )
    """IPs or networks of your reverse proxies, or none; production does not start without it."""
    is_single_host: bool = essential(parsers.parse_yes_or_no, default="no", name="SINGLE_HOST")
    """yes if the service runs on one host only: then production accepts SQLite and a folder."""
    database: Database = essential(
        services.parse_database,
        default="sqlite:///var/dialtone.db",
        example="mongodb://dialtone:password@127.0.0.1:27017/dialtone?authSource=admin",
    )
    """sqlite:///path (////path from the root), mongodb://host/name, or package.module:factory."""
    secrets_file: Path = essential(parsers.parse_path, default="var/secrets.json")
    """File with the keys; development creates it if it is missing, production does not."""
    app_name: str = essential(parsers.parse_app_name, default="Dialtone")
    """Name of your app in messages and calls, 1 to 30 characters; no user can have that name."""
    limit_store: Factory | None = optional(
        services.parse_factory, example="my_package.limits:open_limits"
    )
    """package.module:factory that keeps the rate limits; by default the database keeps them."""
    secrets: Secret[str] = optional(
        parsers.parse_secrets, unset=Secret(""), example='"$(dialtone keys generate -)"'
    )
    """The text of a secrets file, instead of DIALTONE_SECRETS_FILE."""
    web_origins: tuple[str, ...] = optional(
        parsers.list_of(parsers.parse_origin), unset=(), example="https://app.example.org"
    )
    """Origins of the web apps that may use the API from browsers (CORS)."""
    workers: int = optional(parsers.number(1, 256), default="1")
    """Number of server processes."""
    stop_delay: timedelta = optional(
        parsers.duration("0s", "10m"),
        # In development, nothing routes requests by readiness.
        derive=lambda settings: "5s" if settings.env is Environment.PRODUCTION else "0s",
        example="10s",
    )
    """After SIGTERM, the service still accepts requests for this time; in production 5s."""
    drain_timeout: timedelta = optional(parsers.duration("1s", "1h"), default="30s")
    """Time that open requests have to finish after the stop delay."""
    log_level: str = optional(parsers.choice("debug", "info", "warning", "error"), default="info")
    """Lowest level that is logged: debug, info, warning or error."""
    log_format: str = optional(parsers.choice("auto", "console", "json"), default="auto")
    """console for people or json for machines; auto is console on a terminal and json elsewhere."""
    request_limit_per_identity: SlidingWindow = limit(_request_limit, "600/1m")
    """Requests of one signed-in user per minute; each instance counts for itself, approximately."""
    refresh_limit_per_ip: SlidingWindow = limit(_request_limit, "1200/1m")
    """Refreshes, status requests and logouts without a token, per IP and minute, approximately."""

    variables: Variables = field(default_factory=Variables, repr=False)

    def is_set(self, variable: str) -> bool:
        """Return whether the variable is set, by the environment or by `.env`."""
        return variable in self.variables.values
