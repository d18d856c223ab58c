"""The types of settings' values."""

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

Network = IPv4Network | IPv6Network


class Environment(StrEnum):
    """Whether the service is tried out or used by people."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class SmsProvider(StrEnum):
    """The shipped ways to deliver messages."""

    CONSOLE = "console"
    TWILIO = "twilio"


class LogLevel(StrEnum):
    """The lowest level that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How log lines are rendered; `auto` is `console` on a terminal and `json` elsewhere."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Bind:
    """Host and port that the server listens on; an IPv6 host has no brackets here."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return host:port, with brackets around an IPv6 host."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def local_url(self) -> str:
        """The URL of the service on this machine."""
        return f"http://{Bind(self.local_host, self.port)}"

    @property
    def local_host(self) -> str:
        """The host by which this machine reaches the service."""
        is_every_interface = self.host in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
        return "127.0.0.1" if is_every_interface else self.host


@dataclass(frozen=True, slots=True)
class Factory:
    """An operator's own adapter: `package.module:factory`."""

    path: str


@dataclass(frozen=True, slots=True)
class SqliteDatabase:
    """A SQLite database in one file."""

    path: Path


@dataclass(frozen=True, slots=True)
class MongoDatabase:
    """A MongoDB database; the URL may contain a password."""

    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MediaFolder:
    """A folder with media files."""

    path: Path


@dataclass(frozen=True, slots=True)
class S3Bucket:
    """A bucket with media files; the prefix may be empty."""

    bucket: str
    prefix: str
