"""The one value that everything configurable is read into."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from entrypoints.settings.kinds import (
    Bind,
    Environment,
    Given,
    LogFormat,
    LogLevel,
    MediaFolder,
    Network,
    SecretsFile,
    Sender,
    SqliteDatabase,
    UnknownName,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the operator chose; every value has been checked.

    `countries` is None when it was not set; `public_url` and `media_public_url` end without
    a slash; `upload_limit` is in bytes. `given` holds each variable of the table as written.
    """

    environment: Environment
    bind: Bind
    public_url: str
    database: SqliteDatabase
    media: MediaFolder
    media_public_url: str | None
    secrets: SecretsFile
    sms: Sender
    app_name: str
    countries: frozenset[str] | None
    default_region: str | None
    trusted_proxies: tuple[Network, ...]
    is_single_host: bool
    plain_token_ttl: timedelta
    upload_limit: int
    picture_pixels: int
    picture_frames: int
    log_level: LogLevel
    log_format: LogFormat
    workers: int
    unknown: tuple[UnknownName, ...]
    given: Mapping[str, Given] = field(repr=False, compare=False)
