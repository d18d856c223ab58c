"""What a setting's value can be."""

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

Network = IPv4Network | IPv6Network


class Environment(StrEnum):
    """Whether this is for trying out or for people."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Sender(StrEnum):
    """The senders that are shipped."""

    CONSOLE = "console"
    TWILIO = "twilio"


class LogLevel(StrEnum):
    """The least that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How log lines look; `auto` is for people on a terminal and JSON elsewhere."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class Origin(StrEnum):
    """Where a value comes from."""

    DEFAULT = "default"
    ENVIRONMENT = "environment"
    ENV_FILE = ".env"


@dataclass(frozen=True, slots=True)
class Bind:
    """Where the server listens; an IPv6 host stands without its brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def local_url(self) -> str:
        """An address that opens on this machine."""
        return f"http://{Bind(self.local_host, self.port)}"

    @property
    def local_host(self) -> str:
        """The host by which this machine reaches it."""
        every_interface = self.host in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
        return "127.0.0.1" if every_interface else self.host


@dataclass(frozen=True, slots=True)
class SqliteDatabase:
    """Records in one file."""

    path: Path


@dataclass(frozen=True, slots=True)
class MediaFolder:
    """Media files below one folder."""

    path: Path


@dataclass(frozen=True, slots=True)
class Factory:
    """An adapter of somebody's own: `module:name` of what opens it."""

    path: str


@dataclass(frozen=True, slots=True)
class MongoDatabase:
    """Records in a database of MongoDB; the address may hold a password."""

    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class S3Bucket:
    """Media files in a bucket, below a prefix, which may be empty."""

    bucket: str
    prefix: str


@dataclass(frozen=True, slots=True)
class S3Access:
    """How a bucket is reached; without an endpoint it is Amazon's."""

    endpoint: str | None
    region: str
    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """Who sends by Twilio; `sender` is a number, a name or the SID of a messaging service."""

    account_sid: str
    auth_token: str = field(repr=False)
    sender: str
    api_base: str | None


@dataclass(frozen=True, slots=True)
class SecretsFile:
    """Where the keys are; `may_make` allows to make them when there are none."""

    path: Path
    may_make: bool


@dataclass(frozen=True, slots=True)
class Given:
    """What a variable was set to, as written, and where."""

    text: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class UnknownName:
    """A name that looks like a setting and is none; `closest` is what may have been meant."""

    name: str
    closest: str | None
