"""The types of settings' values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Final, Generic, TypeVar

T = TypeVar("T")

HIDDEN: Final = "(hidden)"
"""What is shown of a secret."""

Network = IPv4Network | IPv6Network


class Environment(StrEnum):
    """Whether the service is tried out or used by people."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class Secret(Generic[T]):
    """A value that its `repr` does not show."""

    value: T = field(repr=False)


@dataclass(frozen=True, slots=True)
class Factory:
    """An operator's own adapter: `package.module:factory`."""

    path: str


@dataclass(frozen=True, slots=True)
class HttpHook:
    """A program of the operator that gets requests.

    Attributes:
        url: Where requests are posted. Its path and its query may be a secret.
        name: What is shown of it, in the log too: the origin of the URL, with a number if an
            earlier hook has the same.
    """

    url: str = field(repr=False)
    name: str


@dataclass(frozen=True, slots=True)
class SqliteLocation:
    """A SQLite database in one file."""

    path: Path


@dataclass(frozen=True, slots=True)
class MongoLocation:
    """A MongoDB database; the URL may contain a password."""

    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PostgresLocation:
    """A PostgreSQL database; the URL may contain a password."""

    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RedisLocation:
    """Limits in Redis; the URL may contain a password."""

    url: str = field(repr=False)


DatabaseLocation = SqliteLocation | PostgresLocation | MongoLocation | Factory
LimitStoreLocation = RedisLocation | Factory


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A file with the text of a variable.

    Attributes:
        variable: Names the file.
        path: The absolute path.
        is_exposed: Every user of the machine can read the file.
    """

    variable: str
    path: Path
    is_exposed: bool = False


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables that are set, by the environment, by `.env` or by files.

    All instances are equal: settings are compared by their values, not by where these come from.

    Attributes:
        values: All variables, as written; the environment overrides `.env`. A text that is in a
            file stands here under the name of its setting too.
        from_env_file: Names of the variables whose value comes from `.env`.
        files: The files of the settings whose text is in one.
    """

    values: Mapping[str, str] = field(default_factory=dict, compare=False)
    from_env_file: frozenset[str] = field(default=frozenset(), compare=False)
    files: Mapping[str, SecretFile] = field(default_factory=dict, compare=False)
