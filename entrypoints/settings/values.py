"""The types of settings' values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Final, Generic, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

HIDDEN: Final = "(hidden)"
HYBRID_ORIGINS: Final = ("capacitor://localhost", "ionic://localhost", "tauri://localhost")
"""Origins of the pages in apps of these frameworks, the same one for all apps of a framework."""

Network = IPv4Network | IPv6Network


class Environment(StrEnum):
    """Whether the service is tried out or used by people."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


def is_production(values: Mapping[str, str]) -> bool:
    """Return whether the values of variables are meant for production, even with a typing error."""
    env = values.get("DIALTONE_ENV", "").strip().lower()
    return bool(env) and not env.startswith("dev")


def origin_of(url: str) -> str:
    """Return the scheme and the host of a URL: what is shown of one that may contain a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"


@dataclass(frozen=True, slots=True)
class Secret(Generic[T]):
    """A value that is never shown."""

    value: T = field(repr=False)

    def __str__(self) -> str:
        return HIDDEN


@dataclass(frozen=True)
class PrivateUrl:
    """A URL that may contain a password, or whose path may be a secret."""

    url: str = field(repr=False)

    def __str__(self) -> str:
        return origin_of(self.url)


@dataclass(frozen=True)
class HttpHook(PrivateUrl):
    """A program of the operator that gets requests.

    The log shows its name: the origin of the URL, with a number if an earlier hook has the same.
    """

    name: str

    def __str__(self) -> str:
        return self.name


class MongoLocation(PrivateUrl):
    """A MongoDB database."""


class PostgresLocation(PrivateUrl):
    """A PostgreSQL database."""


@dataclass(frozen=True, slots=True)
class Factory:
    """An operator's own adapter: `package.module:factory`."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class SqliteLocation:
    """A SQLite database in one file."""

    path: Path


DatabaseLocation = SqliteLocation | PostgresLocation | MongoLocation | Factory


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A file with the text of a variable, which another variable names."""

    variable: str
    path: Path


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables that are set, by the environment, by `.env` or by files.

    All instances are equal: settings are compared by their values, not by where these come from.

    Attributes:
        values: All variables, as written; the environment overrides `.env`. A text that is in a
            file stands here under the name of its setting too.
        repeated: The lines of each variable of which `.env` has more than one.
        is_env_file_public: Whether every user of the machine can read `.env`.
    """

    values: Mapping[str, str] = field(default_factory=dict, compare=False)
    from_env_file: frozenset[str] = field(default=frozenset(), compare=False)
    files: Mapping[str, SecretFile] = field(default_factory=dict, compare=False)
    repeated: Mapping[str, Sequence[int]] = field(default_factory=dict, compare=False)
    is_env_file_public: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Bind:
    """Host and port that the server listens on; an IPv6 host has no brackets here."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def local_url(self) -> str:
        return f"http://{Bind(self.local_host, self.port)}"

    @property
    def local_host(self) -> str:
        is_every_interface = self.host in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
        return "127.0.0.1" if is_every_interface else self.host
