"""The settings that all features share: where the service is, and where its data is."""

from dataclasses import dataclass, field

from entrypoints.settings import parsers, services
from entrypoints.settings.bind import Bind
from entrypoints.settings.declaration import LIMIT_PROFILES, essential, optional
from entrypoints.settings.values import DatabaseLocation, Environment, Factory, Network, Variables


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """Where the service is reached, and where its data is."""

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
    """yes if the service runs on one host only: then production accepts SQLite."""
    database: DatabaseLocation = essential(
        services.parse_database,
        default="sqlite:///var/dialtone.db",
        example="mongodb://dialtone:password@127.0.0.1:27017/dialtone?authSource=admin",
        # DATABASE_FILE would read like the path of a SQLite database.
        file_name="DATABASE_URL_FILE",
    )
    """sqlite:///path, postgresql://host/name, mongodb://host/name, or package.module:factory."""
    limits: str = essential(parsers.choice(*LIMIT_PROFILES), default="medium")
    """small, medium or large: sets all limits of messages and codes, see docs/abuse.md."""
    app_name: str = essential(parsers.parse_app_name, default="Dialtone")
    """Name of your app in messages, 1 to 30 characters; no user can have that name."""
    limit_store: Factory | None = optional(
        services.parse_factory, example="my_package.limits:open_limits"
    )
    """package.module:factory that keeps the rate limits; by default the database keeps them."""
    variables: Variables = field(default_factory=Variables, repr=False)

    @property
    def image_sources(self) -> tuple[str, ...]:
        """Where the URLs of images lead, as in a Content-Security-Policy."""
        return ()

    def is_set(self, variable: str) -> bool:
        """Return whether the variable is set, by the environment, by `.env` or by a file."""
        return variable in self.variables.values

    def variable_of(self, setting: str) -> str:
        """Return the variable that sets a setting: its own, or the one that names its file."""
        file = self.variables.files.get(setting)
        return setting if file is None else file.variable
