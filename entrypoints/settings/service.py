"""The settings that all features share: where the service is, and where its data is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from entrypoints.settings import adapter_parsers, parsers
from entrypoints.settings.declaration import LIMIT_PROFILES, setting
from entrypoints.settings.readers import HttpUrl
from entrypoints.settings.values import (
    Bind,
    DatabaseLocation,
    Environment,
    Factory,
    Network,
    Variables,
    is_production,
)


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """The environment, URL and data of the service."""

    env: Environment = setting(
        "development or production; production rejects settings that are only safe for trying out.",
        "development",
        example="production",
    )
    bind: Bind = setting("Host and port that the server listens on.", "127.0.0.1:8000")
    public_url: HttpUrl = setting(
        "URL at which clients reach the service; by default that of DIALTONE_BIND.",
        derived=lambda bind: bind.local_url,
    )
    trusted_proxies: Annotated[tuple[Network, ...], parsers.parse_trusted_proxies] = setting(
        "IPs or networks of your reverse proxies, or none; production does not start without it.",
        example="10.0.0.0/8,192.168.1.5",
    )
    is_single_host: bool = setting(
        "yes if the service runs on one host only: then production accepts data in files.",
        "no",
        variable="DIALTONE_SINGLE_HOST",
    )
    database: DatabaseLocation = setting(
        "sqlite:///path, postgresql://host/name, mongodb://host/name, or package.module:factory.",
        "sqlite:///var/dialtone.db",
        example="postgresql://dialtone:password@127.0.0.1:5432/dialtone",
        is_logged=True,
    )
    limits: Annotated[str, parsers.choice(*LIMIT_PROFILES)] = setting(
        "small, medium or large: sets all limits, see docs/limits.md.", "medium"
    )
    app_name: Annotated[str, parsers.parse_app_name] = setting(
        "Name of your app as people see it, 1 to 30 characters; no user can have that name.",
        "Dialtone",
    )
    limit_store: Annotated[Factory | None, adapter_parsers.parse_limit_store] = setting(
        "package.module:factory keeps the rate limits; by default the database.",
        example="acme_limits.limit_store:open_limits",
    )
    extensions: tuple[Factory, ...] = setting(
        "Extensions: package.module:feature of installed packages; several, separated by commas.",
        example="acme_notes.feature:ACME_NOTES",
    )
    variables: Variables = field(default_factory=Variables, repr=False)

    @property
    def is_production(self) -> bool:
        """Whether they are meant for production, also while `env` is not valid."""
        return is_production(self.variables.values)

    @property
    def file_stores(self) -> Mapping[str, Path | None]:
        """Stores of user data beside the database, in words, with their folders on this machine."""
        return {}

    @property
    def keeps_user_events(self) -> bool:
        """Whether events of users are recorded, because a destination gets them."""
        return False

    @property
    def image_sources(self) -> tuple[str, ...]:
        """Sources of images, as in a Content-Security-Policy."""
        return ()

    def is_set(self, variable: str) -> bool:
        """Return whether the variable is set, by the environment, by `.env` or by a file."""
        return variable in self.variables.values

    def variable_of(self, setting: str) -> str:
        """Return the variable that sets a setting: its own, or the one that names its file."""
        file = self.variables.files.get(setting)
        return setting if file is None else file.variable
