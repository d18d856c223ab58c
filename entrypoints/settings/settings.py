"""All settings: one class, one field for each environment variable."""

from collections.abc import Mapping
from dataclasses import field
from datetime import timedelta
from pathlib import Path
from typing import Final

from application.identities.session_factory import TokenLifetimes
from domain.countries import parse_country
from domain.otp.challenge import DEFAULT_OTP_LENGTH, MAX_OTP_LENGTH
from domain.otp.sliding_window import SlidingWindow
from domain.otp.templates.preferences import parse_app_hash, parse_locale
from domain.otp.test_otps import TestOtps
from domain.phone import PhoneNumber, PhoneRules
from domain.values import dataclass
from entrypoints.bind import Bind
from entrypoints.settings.database_url import parse_database
from entrypoints.settings.declaration import setting
from entrypoints.settings.parsers import (
    duration_or_off_parser,
    duration_parser,
    enum_parser,
    list_parser,
    number_parser,
    parse_access_key_id,
    parse_account_sid,
    parse_app_name,
    parse_bind,
    parse_countries,
    parse_domain,
    parse_file_path,
    parse_media,
    parse_messaging_service_sid,
    parse_operator,
    parse_origin,
    parse_path,
    parse_region,
    parse_secrets,
    parse_sms,
    parse_test_otps,
    parse_trusted_proxies,
    parse_twilio_from,
    parse_twilio_voice_from,
    parse_url,
    parse_yes_or_no,
    rate_limit_parser,
    rate_limits_parser,
    size_parser,
)
from entrypoints.settings.values import (
    Environment,
    Factory,
    LogFormat,
    LogLevel,
    MediaFolder,
    MongoDatabase,
    Network,
    S3Bucket,
    Secret,
    SmsProvider,
    SqliteDatabase,
)

MAX_SMS_PER_DAY: Final = 14
"""Each brings attempts, and after 50 failures in a row one attempt (NIST SP 800-63B-4)."""
MAX_CALLBACKS_PER_DAY: Final = 6
"""Each brings five attempts more: with those of the messages, 100 a day."""
MAX_RATE_LIMIT: Final = 50_000
MAX_REQUEST_LIMIT: Final = 1_000_000
MAX_RATE_LIMIT_PER_IP: Final = 5_000
"""A /48 network has three times the limit of an IP."""
DEFAULT_SPOOLED_FILES: Final = 16
PRODUCTION_STOP_DELAY_SECONDS: Final = 5.0
"""Load balancers need a few seconds to notice that an instance is not ready."""


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables that are set, by the environment or by `.env`.

    All instances are equal: settings are compared by their values, not by where these come from.

    Attributes:
        values: All variables, as written; the environment overrides `.env`.
        from_env_file: Names of the variables whose value comes from `.env`.
        unknown: Names that were probably meant for a setting and are none, each with the name of
            that setting, if one is similar.
    """

    values: Mapping[str, str] = field(default_factory=dict, compare=False)
    from_env_file: frozenset[str] = field(default=frozenset(), compare=False)
    unknown: Mapping[str, str | None] = field(default_factory=dict, compare=False)


def _only_country(countries: frozenset[str] | None) -> str | None:
    return next(iter(countries)) if countries and len(countries) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the operator decides. `read_settings` parses and checks each field.

    - A field without a value is None, or empty.
    - The AWS fields have values if `media` is an `S3Bucket`, the Twilio fields if `sms` contains
      `SmsProvider.TWILIO`. Otherwise these variables are not read: other programs use them too.
    - Secrets have the type `Secret`.
    """

    env: Environment = setting(
        "DIALTONE_ENV",
        "development or production; production rejects settings that are only good for trying out",
        enum_parser(Environment),
        default="development",
        example="production",
    )
    bind: Bind = setting(
        "DIALTONE_BIND",
        "host:port that the server listens on",
        parse_bind,
        default="127.0.0.1:8000",
        example="[::1]:8000",
    )
    public_url: str = setting(
        "DIALTONE_PUBLIC_URL",
        "URL of the service as clients see it; default: from DIALTONE_BIND",
        parse_url,
        derive=lambda fields: fields["bind"].local_url,
        example="https://dialtone.example.org",
    )
    database: SqliteDatabase | MongoDatabase | Factory = setting(
        "DIALTONE_DATABASE",
        "sqlite:///path (//// from the root), mongodb://host/name, or package.module:factory",
        parse_database,
        default="sqlite:///var/dialtone.db",
        example="mongodb://dialtone:password@127.0.0.1:27017/dialtone?authSource=admin",
        more_examples=(
            "mongodb+srv://dialtone:password@cluster.example.org/dialtone",
            "sqlite:////srv/dialtone/dialtone.db",
        ),
    )
    media: MediaFolder | S3Bucket | Factory = setting(
        "DIALTONE_MEDIA",
        "file:path (file:/// from the root), s3://bucket/prefix, or package.module:factory",
        parse_media,
        default="file:var/media",
        example="s3://example-images/dialtone",
        more_examples=("file:///srv/dialtone/media",),
    )
    s3_endpoint: str | None = setting(
        "DIALTONE_S3_ENDPOINT",
        "URL of the S3 server, for s3://; default: Amazon",
        parse_url,
        example="http://127.0.0.1:8333",
    )
    aws_access_key_id: str = setting(
        "AWS_ACCESS_KEY_ID",
        "access key ID, for s3://",
        parse_access_key_id,
        unset="",
        example="AKIAIOSFODNN7EXAMPLE",
    )
    aws_secret_access_key: Secret[str] = setting(
        "AWS_SECRET_ACCESS_KEY",
        "secret access key, for s3://",
        Secret,
        unset=Secret(""),
        example="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    )
    aws_region: str = setting(
        "AWS_REGION",
        "region of the bucket, for s3://",
        parse_region,
        default="us-east-1",
        example="eu-central-1",
    )
    media_public_url: str | None = setting(
        "DIALTONE_MEDIA_PUBLIC_URL",
        "URL in front of the folder or bucket, e.g. of a CDN; default: own or presigned URLs",
        parse_url,
        example="https://media.example.org",
    )
    secrets_file: Path = setting(
        "DIALTONE_SECRETS_FILE",
        "file with the keys; in development it is generated if it is missing",
        parse_file_path,
        default="var/secrets.json",
        example="/etc/dialtone/secrets.json",
    )
    secrets: Secret[str] = setting(
        "DIALTONE_SECRETS",
        "the keys themselves instead of DIALTONE_SECRETS_FILE: the text of that file",
        parse_secrets,
        unset=Secret(""),
        example='{"version":1,"otp_pepper":[{"id":"5f0c1a9e","not_before":"...","key":"..."}]}',
    )
    sms: tuple[SmsProvider | Factory, ...] = setting(
        "DIALTONE_SMS",
        "console (prints messages), twilio, or package.module:factory; several: tried in order",
        parse_sms,
        default="console",
        example="twilio,my_sms:open_messenger",
    )
    twilio_account_sid: str = setting(
        "TWILIO_ACCOUNT_SID",
        "account SID, for twilio",
        parse_account_sid,
        unset="",
        example="AC0123456789abcdef0123456789abcdef",
    )
    twilio_auth_token: Secret[str] = setting(
        "TWILIO_AUTH_TOKEN",
        "auth token of the account, for twilio",
        Secret,
        unset=Secret(""),
        example="0123456789abcdef0123456789abcdef",
    )
    twilio_auth_token_secondary: Secret[str] = setting(
        "TWILIO_AUTH_TOKEN_SECONDARY",
        "second auth token that may sign Twilio's requests, while one replaces the other",
        Secret,
        unset=Secret(""),
        example="fedcba9876543210fedcba9876543210",
    )
    twilio_from: str = setting(
        "TWILIO_FROM",
        "number or name that messages come from, for twilio; or use TWILIO_MESSAGING_SERVICE_SID",
        parse_twilio_from,
        unset="",
        example="+15005550006",
    )
    twilio_messaging_service_sid: str = setting(
        "TWILIO_MESSAGING_SERVICE_SID",
        "messaging service that chooses the number, for twilio; or use TWILIO_FROM",
        parse_messaging_service_sid,
        unset="",
        example="MG0123456789abcdef0123456789abcdef",
    )
    twilio_voice_from: str = setting(
        "TWILIO_VOICE_FROM",
        "number that calls come from, for twilio; default: TWILIO_FROM if it is a number with +",
        parse_twilio_voice_from,
        unset="",
        example="+15005550006",
    )
    twilio_api_base: str | None = setting(
        "TWILIO_API_BASE",
        "URL of a server that replaces Twilio's API, e.g. in tests",
        parse_url,
        example="http://127.0.0.1:9999",
    )
    app_name: str = setting(
        "DIALTONE_APP_NAME",
        "name in the messages, 1 to 30 characters",
        parse_app_name,
        default="Dialtone",
        example="Acme",
    )
    android_hashes: tuple[str, ...] = setting(
        "DIALTONE_ANDROID_HASH",
        "hashes of the Android apps that read codes from messages, the usual app first",
        list_parser(parse_app_hash),
        unset=(),
        example="FA+9qCX9VSu",
    )
    web_domain: str | None = setting(
        "DIALTONE_WEB_DOMAIN",
        "domain of the website where browsers fill in codes (WebOTP)",
        parse_domain,
        example="example.org",
    )
    default_locale: str = setting(
        "DIALTONE_DEFAULT_LOCALE",
        "language of messages if a request names none, or one without templates",
        parse_locale,
        default="en",
        example="pt-BR",
    )
    sms_templates_dir: Path | None = setting(
        "DIALTONE_SMS_TEMPLATES_DIR",
        "folder with your own message templates, see docs/sms-templates.md",
        parse_path,
        example="/etc/dialtone/templates",
    )
    call_flow: Path | None = setting(
        "DIALTONE_CALL_FLOW",
        "TOML file with your own flow of inbound calls, see docs/voice.md",
        parse_path,
        example="/etc/dialtone/phone_line.toml",
    )
    operator: PhoneNumber | None = setting(
        "DIALTONE_OPERATOR",
        "number that callers are connected to; default: the operator does not answer",
        parse_operator,
        example="+14155552671",
    )
    countries: frozenset[str] | None = setting(
        "DIALTONE_COUNTRIES",
        "ISO codes of the countries to deliver to, or * for all; required unless SMS is console",
        parse_countries,
        example="IN,US,DE",
    )
    default_region: str | None = setting(
        "DIALTONE_DEFAULT_REGION",
        "ISO code of the country of numbers without +; default: that of "
        "DIALTONE_COUNTRIES, if it is one",
        parse_country,
        derive=lambda fields: _only_country(fields["countries"]),
        example="IN",
    )
    otp_length: int = setting(
        "DIALTONE_OTP_LENGTH",
        "number of digits of a code, 6 to 8",
        number_parser(DEFAULT_OTP_LENGTH, MAX_OTP_LENGTH),
        default=str(DEFAULT_OTP_LENGTH),
        example="8",
    )
    accepts_toll_free_numbers: bool = setting(
        "DIALTONE_TOLL_FREE_NUMBERS",
        "yes accepts toll-free numbers; fraudsters share what calls and messages to them cost",
        parse_yes_or_no,
        default="no",
        example="yes",
    )
    test_otps: Secret[TestOtps] = setting(
        "DIALTONE_TEST_OTPS",
        "numbers with a fixed code and its last day, for app-store reviewers; nothing is delivered",
        parse_test_otps,
        unset=Secret(TestOtps()),
        example="+15005550006=123456@2027-01-01",
    )
    sms_limit_per_phone: tuple[SlidingWindow, ...] = setting(
        "DIALTONE_SMS_LIMIT_PER_PHONE",
        "maximum messages per phone and period",
        rate_limits_parser(MAX_SMS_PER_DAY),
        default="6/15m,12/1d",
        example="6/15m,12/1d",
    )
    sms_limit_per_phone_and_ip: tuple[SlidingWindow, ...] = setting(
        "DIALTONE_SMS_LIMIT_PER_PHONE_AND_IP",
        "maximum messages per phone that one IP, or its IPv4 /24 or IPv6 /48, can request",
        rate_limits_parser(MAX_SMS_PER_DAY),
        default="5/15m,6/1d",
        example="5/15m,6/1d",
    )
    sms_limit_trusted_ip: SlidingWindow = setting(
        "DIALTONE_SMS_LIMIT_TRUSTED_IP",
        "additional messages for a device or an IP from which the phone signed in recently",
        rate_limit_parser(MAX_SMS_PER_DAY),
        default="3/1h",
        example="3/1h",
    )
    sms_limit_per_ip: SlidingWindow = setting(
        "DIALTONE_SMS_LIMIT_PER_IP",
        "maximum messages without a login per IP (IPv6: per /64); three times that per /48",
        rate_limit_parser(MAX_RATE_LIMIT_PER_IP),
        default="60/1h",
        example="60/1h",
    )
    sms_countries_per_ip: int = setting(
        "DIALTONE_SMS_COUNTRIES_PER_IP",
        "maximum countries that one IP can request messages for in a day",
        number_parser(1, 250),
        default="5",
        example="5",
    )
    sms_limit_per_range: SlidingWindow = setting(
        "DIALTONE_SMS_LIMIT_PER_RANGE",
        "maximum messages without a login per number range, all but the last four digits",
        rate_limit_parser(MAX_RATE_LIMIT_PER_IP),
        default="50/1h",
        example="50/1h",
    )
    sms_limit_per_country: SlidingWindow = setting(
        "DIALTONE_SMS_LIMIT_PER_COUNTRY",
        "maximum messages without a login per country; 40 % are for recognized phones",
        rate_limit_parser(MAX_RATE_LIMIT),
        default="1000/1h",
        example="1000/1h",
    )
    sms_limit_total: SlidingWindow = setting(
        "DIALTONE_SMS_LIMIT_TOTAL",
        "maximum messages without a login in total; 40 % are for recognized phones",
        rate_limit_parser(MAX_RATE_LIMIT),
        default="5000/1h",
        example="5000/1h",
    )
    sms_limit_all_factor: int = setting(
        "DIALTONE_SMS_LIMIT_ALL_FACTOR",
        "how many times the limits per range, country and in total if logins count too",
        number_parser(1, 20),
        default="10",
        example="10",
    )
    verify_limit_per_ip: SlidingWindow = setting(
        "DIALTONE_VERIFY_LIMIT_PER_IP",
        "maximum attempts to verify codes per IP (IPv6: per /64); three times that per /48",
        rate_limit_parser(MAX_RATE_LIMIT_PER_IP),
        default="600/1h",
        example="600/1h",
    )
    failed_attempt_limit_per_country: SlidingWindow = setting(
        "DIALTONE_FAILED_ATTEMPT_LIMIT_PER_COUNTRY",
        "wrong codes per country, after which each message brings fewer attempts",
        rate_limit_parser(MAX_RATE_LIMIT),
        default="1000/1h",
        example="1000/1h",
    )
    failed_attempt_limit_total: SlidingWindow = setting(
        "DIALTONE_FAILED_ATTEMPT_LIMIT_TOTAL",
        "wrong codes in total, after which each message brings fewer attempts",
        rate_limit_parser(MAX_RATE_LIMIT),
        default="5000/1h",
        example="5000/1h",
    )
    voice_limit_per_country: SlidingWindow = setting(
        "DIALTONE_VOICE_LIMIT_PER_COUNTRY",
        "maximum calls with a code per country; they also count as messages",
        rate_limit_parser(MAX_RATE_LIMIT),
        default="200/1h",
        example="200/1h",
    )
    callback_limit_per_phone: tuple[SlidingWindow, ...] = setting(
        "DIALTONE_CALLBACK_LIMIT_PER_PHONE",
        "maximum calls with a code per phone that callers of the phone line ask for",
        rate_limits_parser(MAX_CALLBACKS_PER_DAY),
        default="2/1h,3/1d",
        example="2/1h,3/1d",
    )
    callback_limit_per_country: SlidingWindow = setting(
        "DIALTONE_CALLBACK_LIMIT_PER_COUNTRY",
        "maximum calls with a code per country that callers of the phone line ask for",
        rate_limit_parser(MAX_RATE_LIMIT),
        default="100/1h",
        example="100/1h",
    )
    inbound_limit_per_caller: SlidingWindow = setting(
        "DIALTONE_INBOUND_LIMIT_PER_CALLER",
        "maximum calls to the phone line per number of the caller; later ones hear a busy tone",
        rate_limit_parser(MAX_RATE_LIMIT),
        default="10/1h",
        example="10/1h",
    )
    inbound_limit_total: SlidingWindow = setting(
        "DIALTONE_INBOUND_LIMIT_TOTAL",
        "maximum calls to the phone line in total; later ones hear a busy tone",
        rate_limit_parser(MAX_RATE_LIMIT),
        default="1000/1h",
        example="1000/1h",
    )
    request_limit_per_identity: SlidingWindow = setting(
        "DIALTONE_REQUEST_LIMIT_PER_IDENTITY",
        "maximum requests with the access tokens of one identity, approximately, per instance",
        rate_limit_parser(MAX_REQUEST_LIMIT),
        default="600/1m",
        example="600/1m",
    )
    refresh_limit_per_ip: SlidingWindow = setting(
        "DIALTONE_REFRESH_LIMIT_PER_IP",
        "refreshes, logouts and statuses per IP, approximately, per instance; ten times per /48",
        rate_limit_parser(MAX_REQUEST_LIMIT),
        default="1200/1m",
        example="1200/1m",
    )
    trusted_proxies: tuple[Network, ...] = setting(
        "DIALTONE_TRUSTED_PROXIES",
        "networks of the proxies whose X-Forwarded-For is trusted, or none; set in production",
        parse_trusted_proxies,
        unset=(),
        example="10.0.0.0/8,192.168.1.5",
    )
    web_origins: tuple[str, ...] = setting(
        "DIALTONE_WEB_ORIGINS",
        "origins of the web apps that may use the API from browsers (CORS)",
        list_parser(parse_origin),
        unset=(),
        example="https://app.example.org,http://localhost:3000",
    )
    max_connections_per_ip: int = setting(
        "DIALTONE_MAX_CONNECTIONS_PER_IP",
        "maximum connections per worker and IP (IPv6: per /64); no limit behind trusted proxies",
        number_parser(10, 1_000_000),
        default="1000",
        example="1000",
    )
    is_single_host: bool = setting(
        "DIALTONE_SINGLE_HOST",
        "yes allows SQLite and disk in production: the service runs on this host only",
        parse_yes_or_no,
        default="no",
        example="yes",
    )
    plain_token_ttl: timedelta = setting(
        "DIALTONE_PLAIN_TOKEN_TTL",
        "lifetime of an access token without a refresh token, e.g. 90d, 12h, 30m or 60s",
        duration_parser("1m", "400d"),
        default="90d",
        example="90d",
    )
    access_token_ttl: timedelta = setting(
        "DIALTONE_ACCESS_TOKEN_TTL",
        "lifetime of an access token with a refresh token",
        duration_parser("1m", "1d"),
        default="15m",
        example="15m",
    )
    refresh_token_ttl: timedelta = setting(
        "DIALTONE_REFRESH_TOKEN_TTL",
        "lifetime of a refresh token; each refresh starts a new lifetime",
        duration_parser("1h", "400d"),
        default="90d",
        example="90d",
    )
    session_max_age: timedelta = setting(
        "DIALTONE_SESSION_MAX_AGE",
        "time after which a session ends, however often it is used",
        duration_parser("1h", "3650d"),
        default="365d",
        example="365d",
    )
    session_idle_timeout: timedelta = setting(
        "DIALTONE_SESSION_IDLE_TIMEOUT",
        "time after which a session ends that is not used",
        duration_parser("5m", "400d"),
        default="90d",
        example="90d",
    )
    recycled_after: timedelta | None = setting(
        "DIALTONE_RECYCLED_AFTER",
        "unused for so long, a phone gets a new identity at the next login; off: never",
        duration_or_off_parser("1d", "3650d"),
        default="off",
        example="365d",
    )
    max_upload_size: int = setting(
        "DIALTONE_MAX_UPLOAD_SIZE",
        "maximum size of an uploaded file, in bytes or e.g. 20MB",
        size_parser(1_000, 1_000_000_000),
        default="20MB",
        example="20MB",
    )
    max_image_pixels: int = setting(
        "DIALTONE_MAX_IMAGE_PIXELS",
        "maximum pixels of an image",
        number_parser(1_000, 500_000_000),
        default="50000000",
        example="50000000",
    )
    max_image_frames: int = setting(
        "DIALTONE_MAX_IMAGE_FRAMES",
        "maximum frames of an animated image",
        number_parser(1, 10_000),
        default="500",
        example="500",
    )
    max_uploads: int = setting(
        "DIALTONE_MAX_UPLOADS",
        "maximum uploads at the same time in a server process; they use as many MiB and 32 more",
        number_parser(1, 10_000),
        default="64",
        example="64",
    )
    upload_spool_size: int | None = setting(
        "DIALTONE_UPLOAD_SPOOL_SIZE",
        "maximum size of the temporary files of all uploads; default: 16 large files per worker",
        size_parser(2_000, 1_000_000_000_000),
        example="1GB",
    )
    image_threads: int | None = setting(
        "DIALTONE_IMAGE_THREADS",
        "images decoded at the same time in a server process; default: processors / workers",
        number_parser(1, 256),
        example="2",
    )
    image_megapixels_per_hour: int = setting(
        "DIALTONE_IMAGE_MEGAPIXELS_PER_HOUR",
        "megapixels that one user can upload in an hour, all frames counted",
        number_parser(1, 10_000_000),
        default="2000",
        example="2000",
    )
    call_retention: timedelta = setting(
        "DIALTONE_CALL_RETENTION",
        "time after which a call is deleted from the call log",
        duration_parser("1h", "3650d"),
        default="90d",
        example="90d",
    )
    recording_retention: timedelta = setting(
        "DIALTONE_RECORDING_RETENTION",
        "time after which a recording of a caller is deleted, here and at the provider",
        duration_parser("1h", "3650d"),
        default="30d",
        example="30d",
    )
    cleanup_interval: timedelta | None = setting(
        "DIALTONE_CLEANUP_INTERVAL",
        "time between cleanups; off if cron runs `dialtone cleanup`",
        duration_or_off_parser("1m", "1d"),
        default="15m",
        example="1h",
    )
    log_level: LogLevel = setting(
        "DIALTONE_LOG_LEVEL",
        "lowest level that is logged: debug, info, warning or error",
        enum_parser(LogLevel),
        default="info",
        example="warning",
    )
    log_format: LogFormat = setting(
        "DIALTONE_LOG_FORMAT",
        "console for people, json for machines; auto: console on a terminal, json elsewhere",
        enum_parser(LogFormat),
        default="auto",
        example="json",
    )
    workers: int = setting(
        "DIALTONE_WORKERS",
        "number of server processes",
        number_parser(1, 256),
        default="1",
        example="4",
    )
    stop_delay: timedelta | None = setting(
        "DIALTONE_STOP_DELAY",
        "time after SIGTERM in which all is served but readiness fails; default: 5s in production",
        duration_parser("0s", "10m"),
        example="10s",
    )
    drain_timeout: timedelta = setting(
        "DIALTONE_DRAIN_TIMEOUT",
        "time after the stop delay in which open requests may finish",
        duration_parser("1s", "1h"),
        default="30s",
        example="30s",
    )
    variables: Variables = field(default_factory=Variables, repr=False)

    def is_set(self, variable: str) -> bool:
        """Return whether the variable is set, by the environment or by `.env`."""
        return variable in self.variables.values

    @property
    def twilio_caller_id(self) -> str:
        """The number that calls come from, empty if there is none."""
        is_number = self.twilio_from.startswith("+")
        return self.twilio_voice_from or (self.twilio_from if is_number else "")

    @property
    def has_phone_line(self) -> bool:
        """Whether the provider places calls and can be called. It sends requests then."""
        return SmsProvider.TWILIO in self.sms and bool(self.twilio_caller_id)

    @property
    def receives_webhooks(self) -> bool:
        """Whether the provider sends requests about messages and calls."""
        return SmsProvider.TWILIO in self.sms and self.is_set("DIALTONE_PUBLIC_URL")

    @property
    def has_voice_channel(self) -> bool:
        """Whether a code can be delivered by a call. The console prints it."""
        return self.has_phone_line or self.sms[0] is SmsProvider.CONSOLE

    @property
    def token_lifetimes(self) -> TokenLifetimes:
        """The lifetimes of tokens that are issued now."""
        return TokenLifetimes(
            plain=self.plain_token_ttl,
            access=self.access_token_ttl,
            refresh=self.refresh_token_ttl,
        )

    @property
    def phone_rules(self) -> PhoneRules:
        """The kinds of numbers that are accepted. Test phones may be of any kind."""
        test_otps = self.test_otps.value.otps
        return PhoneRules(
            accepts_toll_free=self.accepts_toll_free_numbers,
            exceptions=frozenset(test_otp.phone for test_otp in test_otps),
        )

    @property
    def stop_delay_seconds(self) -> float:
        """The seconds after SIGTERM in which the service still serves everything."""
        if self.stop_delay is not None:
            return self.stop_delay.total_seconds()
        # In development, nothing routes requests by readiness.
        return PRODUCTION_STOP_DELAY_SECONDS if self.env is Environment.PRODUCTION else 0.0

    @property
    def max_spooled_bytes(self) -> int:
        """The maximum size of the temporary files of one server process."""
        if self.upload_spool_size is None:
            return DEFAULT_SPOOLED_FILES * self.max_upload_size
        return self.upload_spool_size // self.workers

    @property
    def max_pixels_per_hour(self) -> int:
        """The pixels that one user can upload to one server process in an hour."""
        return self.image_megapixels_per_hour * 1_000_000 // self.workers
