"""The one value that everything configurable is read into."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from application.identities.session_factory import TokenLifetimes
from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.rate_limits import RateLimits
from domain.otp.test_otps import TestOtps
from entrypoints.settings.kinds import (
    Bind,
    Environment,
    Factory,
    Given,
    LogFormat,
    LogLevel,
    MediaFolder,
    MongoDatabase,
    Network,
    S3Access,
    S3Bucket,
    SecretsFile,
    Sender,
    SqliteDatabase,
    TwilioAccount,
    UnknownName,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the operator chose; every value has been checked.

    `countries` is None when it was not set; `public_url` and `media_public_url` end without
    a slash; `upload_limit` is in bytes. `sms` are the senders in the order in which they are
    tried; `twilio` is set when it is among them, `s3` when media is in a bucket. `given` holds
    each variable of the table as written, `environ` everything that is set: a factory reads its
    own variables from there.
    """

    environment: Environment
    bind: Bind
    public_url: str
    database: SqliteDatabase | MongoDatabase | Factory
    media: MediaFolder | S3Bucket | Factory
    s3: S3Access | None
    media_public_url: str | None
    secrets: SecretsFile
    sms: tuple[Sender | Factory, ...]
    twilio: TwilioAccount | None
    app_name: str
    android_hashes: tuple[str, ...]
    web_domain: str | None
    locale: str
    texts: Path | None
    countries: frozenset[str] | None
    default_region: str | None
    test_otps: TestOtps
    delivery_policy: DeliveryPolicy
    rate_limits: RateLimits
    trusted_proxies: tuple[Network, ...]
    is_single_host: bool
    token_lifetimes: TokenLifetimes
    upload_limit: int
    picture_pixels: int
    picture_frames: int
    log_level: LogLevel
    log_format: LogFormat
    workers: int
    unknown: tuple[UnknownName, ...]
    given: Mapping[str, Given] = field(repr=False, compare=False)
    environ: Mapping[str, str] = field(repr=False, compare=False)
