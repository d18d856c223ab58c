"""All settings: one class, one field for each environment variable."""

from collections.abc import Mapping
from dataclasses import field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    PlainValidator,
    Secret,
    SecretStr,
    SkipValidation,
    ValidationInfo,
    field_validator,
)

from application.identities.session_factory import TokenLifetimes
from domain.countries import parse_country
from domain.errors import InvalidValue
from domain.otp.challenge import DEFAULT_OTP_LENGTH, MAX_OTP_LENGTH
from domain.otp.sliding_window import SlidingWindow
from domain.otp.templates.preferences import parse_app_hash, parse_locale
from domain.otp.test_otps import TestOtps
from domain.phone import PhoneNumber, PhoneRules
from domain.values import dataclass
from entrypoints.bind import Bind
from entrypoints.settings.database_url import parse_database
from entrypoints.settings.parsers import (
    check_number,
    check_size,
    duration_or_off_parser,
    duration_parser,
    list_parser,
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


def setting(
    variable: str,
    description: str,
    *,
    example: str,
    default: str = "",
    unset: Any = None,
    more_examples: tuple[str, ...] = (),
) -> Any:
    """Declare a setting.

    Args:
        variable: The environment variable.
        description: One line for `.env.example`.
        example: A valid value, for error messages.
        default: The value when the variable is not set, as text that is parsed like any other.
        unset: The field's value when the variable is not set and there is no default.
        more_examples: Examples with another scheme than `example`.
    """
    value: Any = default or unset
    return Field(
        value,
        validate_default=bool(default),
        validation_alias=variable,
        description=description,
        examples=[example, *more_examples],
    )


def _only_country(countries: frozenset[str] | None) -> str | None:
    return next(iter(countries)) if countries and len(countries) == 1 else None


class Settings(BaseModel):
    """What the operator decides. Each field is parsed and checked.

    - A field without a value is None, or empty.
    - The AWS fields have values if `media` is an `S3Bucket`, the Twilio fields if `sms` contains
      `SmsProvider.TWILIO`. Otherwise these variables are not read: other programs use them too.
    - Secrets have the type `Secret` or `SecretStr`.

    `read_settings` collects the values. The class does not use pydantic-settings, because the
    sources of that library

    - expand `${…}` in `.env`, so that a password with these characters would change,
    - skip an invalid line of `.env` without an error,
    - read a variable that has only spaces as a value,
    - do not report where a value comes from,
    - read the environment of the process only, not one that is passed to them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    env: Annotated[Environment, BeforeValidator(str.lower)] = setting(
        "DIALTONE_ENV",
        "development or production; production rejects settings that are only good for trying out",
        default="development",
        example="production",
    )
    bind: Annotated[Bind, PlainValidator(parse_bind)] = setting(
        "DIALTONE_BIND",
        "host:port that the server listens on",
        default="127.0.0.1:8000",
        example="[::1]:8000",
    )
    public_url: Annotated[str, PlainValidator(parse_url)] = Field(
        default_factory=lambda fields: fields["bind"].local_url,
        validation_alias="DIALTONE_PUBLIC_URL",
        description="URL of the service as clients see it; default: from DIALTONE_BIND",
        examples=["https://dialtone.example.org"],
    )
    database: Annotated[
        SqliteDatabase | MongoDatabase | Factory, PlainValidator(parse_database)
    ] = setting(
        "DIALTONE_DATABASE",
        "sqlite:///path (//// from the root), mongodb://host/name, or package.module:factory",
        default="sqlite:///var/dialtone.db",
        example="mongodb://dialtone:password@127.0.0.1:27017/dialtone?authSource=admin",
        more_examples=(
            "mongodb+srv://dialtone:password@cluster.example.org/dialtone",
            "sqlite:////srv/dialtone/dialtone.db",
        ),
    )
    media: Annotated[MediaFolder | S3Bucket | Factory, PlainValidator(parse_media)] = setting(
        "DIALTONE_MEDIA",
        "file:path (file:/// from the root), s3://bucket/prefix, or package.module:factory",
        default="file:var/media",
        example="s3://example-images/dialtone",
        more_examples=("file:///srv/dialtone/media",),
    )
    s3_endpoint: Annotated[str | None, PlainValidator(parse_url)] = setting(
        "DIALTONE_S3_ENDPOINT",
        "URL of the S3 server, for s3://; default: Amazon",
        example="http://127.0.0.1:8333",
    )
    aws_access_key_id: Annotated[str, PlainValidator(parse_access_key_id)] = setting(
        "AWS_ACCESS_KEY_ID",
        "access key ID, for s3://",
        unset="",
        example="AKIAIOSFODNN7EXAMPLE",
    )
    aws_secret_access_key: SecretStr = setting(
        "AWS_SECRET_ACCESS_KEY",
        "secret access key, for s3://",
        unset=SecretStr(""),
        example="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    )
    aws_region: Annotated[str, PlainValidator(parse_region)] = setting(
        "AWS_REGION",
        "region of the bucket, for s3://",
        default="us-east-1",
        example="eu-central-1",
    )
    media_public_url: Annotated[str | None, PlainValidator(parse_url)] = setting(
        "DIALTONE_MEDIA_PUBLIC_URL",
        "URL in front of the folder or bucket, e.g. of a CDN; default: own or presigned URLs",
        example="https://media.example.org",
    )
    secrets_file: Annotated[Path, PlainValidator(parse_file_path)] = setting(
        "DIALTONE_SECRETS_FILE",
        "file with the keys; in development it is generated if it is missing",
        default="var/secrets.json",
        example="/etc/dialtone/secrets.json",
    )
    secrets: Annotated[SecretStr, PlainValidator(parse_secrets)] = setting(
        "DIALTONE_SECRETS",
        "the keys themselves instead of DIALTONE_SECRETS_FILE: the text of that file",
        unset=SecretStr(""),
        example='{"version":1,"otp_pepper":[{"id":"5f0c1a9e","not_before":"...","key":"..."}]}',
    )
    sms: Annotated[tuple[SmsProvider | Factory, ...], PlainValidator(parse_sms)] = setting(
        "DIALTONE_SMS",
        "console (prints messages), twilio, or package.module:factory; several: tried in order",
        default="console",
        example="twilio,my_sms:open_messenger",
    )
    twilio_account_sid: Annotated[str, PlainValidator(parse_account_sid)] = setting(
        "TWILIO_ACCOUNT_SID",
        "account SID, for twilio",
        unset="",
        example="AC0123456789abcdef0123456789abcdef",
    )
    twilio_auth_token: SecretStr = setting(
        "TWILIO_AUTH_TOKEN",
        "auth token of the account, for twilio",
        unset=SecretStr(""),
        example="0123456789abcdef0123456789abcdef",
    )
    twilio_auth_token_secondary: SecretStr = setting(
        "TWILIO_AUTH_TOKEN_SECONDARY",
        "second auth token that may sign Twilio's requests, while one replaces the other",
        unset=SecretStr(""),
        example="fedcba9876543210fedcba9876543210",
    )
    twilio_from: Annotated[str, PlainValidator(parse_twilio_from)] = setting(
        "TWILIO_FROM",
        "number or name that messages come from, for twilio; or use TWILIO_MESSAGING_SERVICE_SID",
        unset="",
        example="+15005550006",
    )
    twilio_messaging_service_sid: Annotated[str, PlainValidator(parse_messaging_service_sid)] = (
        setting(
            "TWILIO_MESSAGING_SERVICE_SID",
            "messaging service that chooses the number, for twilio; or use TWILIO_FROM",
            unset="",
            example="MG0123456789abcdef0123456789abcdef",
        )
    )
    twilio_voice_from: Annotated[str, PlainValidator(parse_twilio_voice_from)] = setting(
        "TWILIO_VOICE_FROM",
        "number that calls come from, for twilio; default: TWILIO_FROM if it is a number with +",
        unset="",
        example="+15005550006",
    )
    twilio_api_base: Annotated[str | None, PlainValidator(parse_url)] = setting(
        "TWILIO_API_BASE",
        "URL of a server that replaces Twilio's API, e.g. in tests",
        example="http://127.0.0.1:9999",
    )
    app_name: Annotated[str, PlainValidator(parse_app_name)] = setting(
        "DIALTONE_APP_NAME",
        "name in the messages, 1 to 30 characters",
        default="Dialtone",
        example="Acme",
    )
    android_hashes: Annotated[tuple[str, ...], PlainValidator(list_parser(parse_app_hash))] = (
        setting(
            "DIALTONE_ANDROID_HASH",
            "hashes of the Android apps that read codes from messages, the usual app first",
            unset=(),
            example="FA+9qCX9VSu",
        )
    )
    web_domain: Annotated[str | None, PlainValidator(parse_domain)] = setting(
        "DIALTONE_WEB_DOMAIN",
        "domain of the website where browsers fill in codes (WebOTP)",
        example="example.org",
    )
    default_locale: Annotated[str, PlainValidator(parse_locale)] = setting(
        "DIALTONE_DEFAULT_LOCALE",
        "language of messages if a request names none, or one without templates",
        default="en",
        example="pt-BR",
    )
    sms_templates_dir: Annotated[Path | None, PlainValidator(parse_path)] = setting(
        "DIALTONE_SMS_TEMPLATES_DIR",
        "folder with your own message templates, see docs/sms-templates.md",
        example="/etc/dialtone/templates",
    )
    call_flow: Annotated[Path | None, PlainValidator(parse_path)] = setting(
        "DIALTONE_CALL_FLOW",
        "TOML file with your own flow of inbound calls, see docs/voice.md",
        example="/etc/dialtone/phone_line.toml",
    )
    operator: Annotated[PhoneNumber | None, PlainValidator(parse_operator)] = setting(
        "DIALTONE_OPERATOR",
        "number that callers are connected to; default: the operator does not answer",
        example="+14155552671",
    )
    countries: Annotated[frozenset[str] | None, PlainValidator(parse_countries)] = setting(
        "DIALTONE_COUNTRIES",
        "ISO codes of the countries to deliver to, or * for all; required unless SMS is console",
        example="IN,US,DE",
    )
    default_region: Annotated[str | None, PlainValidator(parse_country)] = Field(
        default_factory=lambda fields: _only_country(fields["countries"]),
        validation_alias="DIALTONE_DEFAULT_REGION",
        description="ISO code of the country of numbers without +; default: that of "
        "DIALTONE_COUNTRIES, if it is one",
        examples=["IN"],
    )
    otp_length: Annotated[
        int, Field(ge=DEFAULT_OTP_LENGTH, le=MAX_OTP_LENGTH), BeforeValidator(check_number)
    ] = setting(
        "DIALTONE_OTP_LENGTH",
        "number of digits of a code, 6 to 8",
        default=str(DEFAULT_OTP_LENGTH),
        example="8",
    )
    accepts_toll_free_numbers: Annotated[bool, PlainValidator(parse_yes_or_no)] = setting(
        "DIALTONE_TOLL_FREE_NUMBERS",
        "yes accepts toll-free numbers; fraudsters share what calls and messages to them cost",
        default="no",
        example="yes",
    )
    test_otps: Annotated[Secret[TestOtps], PlainValidator(parse_test_otps)] = setting(
        "DIALTONE_TEST_OTPS",
        "numbers with a fixed code and its last day, for app-store reviewers; nothing is delivered",
        unset=Secret(TestOtps()),
        example="+15005550006=123456@2027-01-01",
    )
    sms_limit_per_phone: Annotated[
        tuple[SlidingWindow, ...], PlainValidator(rate_limits_parser(MAX_SMS_PER_DAY))
    ] = setting(
        "DIALTONE_SMS_LIMIT_PER_PHONE",
        "maximum messages per phone and period",
        default="6/15m,12/1d",
        example="6/15m,12/1d",
    )
    sms_limit_per_phone_and_ip: Annotated[
        tuple[SlidingWindow, ...], PlainValidator(rate_limits_parser(MAX_SMS_PER_DAY))
    ] = setting(
        "DIALTONE_SMS_LIMIT_PER_PHONE_AND_IP",
        "maximum messages per phone that one IP, or its IPv4 /24 or IPv6 /48, can request",
        default="5/15m,6/1d",
        example="5/15m,6/1d",
    )
    sms_limit_trusted_ip: Annotated[
        SlidingWindow, PlainValidator(rate_limit_parser(MAX_SMS_PER_DAY))
    ] = setting(
        "DIALTONE_SMS_LIMIT_TRUSTED_IP",
        "additional messages for a device or an IP from which the phone signed in recently",
        default="3/1h",
        example="3/1h",
    )
    sms_limit_per_ip: Annotated[
        SlidingWindow, PlainValidator(rate_limit_parser(MAX_RATE_LIMIT_PER_IP))
    ] = setting(
        "DIALTONE_SMS_LIMIT_PER_IP",
        "maximum messages without a login per IP (IPv6: per /64); three times that per /48",
        default="60/1h",
        example="60/1h",
    )
    sms_countries_per_ip: Annotated[int, Field(ge=1, le=250), BeforeValidator(check_number)] = (
        setting(
            "DIALTONE_SMS_COUNTRIES_PER_IP",
            "maximum countries that one IP can request messages for in a day",
            default="5",
            example="5",
        )
    )
    sms_limit_per_range: Annotated[
        SlidingWindow, PlainValidator(rate_limit_parser(MAX_RATE_LIMIT_PER_IP))
    ] = setting(
        "DIALTONE_SMS_LIMIT_PER_RANGE",
        "maximum messages without a login per number range, all but the last four digits",
        default="50/1h",
        example="50/1h",
    )
    sms_limit_per_country: Annotated[
        SlidingWindow, PlainValidator(rate_limit_parser(MAX_RATE_LIMIT))
    ] = setting(
        "DIALTONE_SMS_LIMIT_PER_COUNTRY",
        "maximum messages without a login per country; 40 % are for recognized phones",
        default="1000/1h",
        example="1000/1h",
    )
    sms_limit_total: Annotated[SlidingWindow, PlainValidator(rate_limit_parser(MAX_RATE_LIMIT))] = (
        setting(
            "DIALTONE_SMS_LIMIT_TOTAL",
            "maximum messages without a login in total; 40 % are for recognized phones",
            default="5000/1h",
            example="5000/1h",
        )
    )
    sms_limit_all_factor: Annotated[int, Field(ge=1, le=20), BeforeValidator(check_number)] = (
        setting(
            "DIALTONE_SMS_LIMIT_ALL_FACTOR",
            "how many times the limits per range, country and in total if logins count too",
            default="10",
            example="10",
        )
    )
    verify_limit_per_ip: Annotated[
        SlidingWindow, PlainValidator(rate_limit_parser(MAX_RATE_LIMIT_PER_IP))
    ] = setting(
        "DIALTONE_VERIFY_LIMIT_PER_IP",
        "maximum attempts to verify codes per IP (IPv6: per /64); three times that per /48",
        default="600/1h",
        example="600/1h",
    )
    failed_attempt_limit_per_country: Annotated[
        SlidingWindow, PlainValidator(rate_limit_parser(MAX_RATE_LIMIT))
    ] = setting(
        "DIALTONE_FAILED_ATTEMPT_LIMIT_PER_COUNTRY",
        "wrong codes per country, after which each message brings fewer attempts",
        default="1000/1h",
        example="1000/1h",
    )
    failed_attempt_limit_total: Annotated[
        SlidingWindow, PlainValidator(rate_limit_parser(MAX_RATE_LIMIT))
    ] = setting(
        "DIALTONE_FAILED_ATTEMPT_LIMIT_TOTAL",
        "wrong codes in total, after which each message brings fewer attempts",
        default="5000/1h",
        example="5000/1h",
    )
    voice_limit_per_country: Annotated[
        SlidingWindow, PlainValidator(rate_limit_parser(MAX_RATE_LIMIT))
    ] = setting(
        "DIALTONE_VOICE_LIMIT_PER_COUNTRY",
        "maximum calls with a code per country; they also count as messages",
        default="200/1h",
        example="200/1h",
    )
    callback_limit_per_phone: Annotated[
        tuple[SlidingWindow, ...], PlainValidator(rate_limits_parser(MAX_CALLBACKS_PER_DAY))
    ] = setting(
        "DIALTONE_CALLBACK_LIMIT_PER_PHONE",
        "maximum calls with a code per phone that callers of the phone line ask for",
        default="2/1h,3/1d",
        example="2/1h,3/1d",
    )
    callback_limit_per_country: Annotated[
        SlidingWindow, PlainValidator(rate_limit_parser(MAX_RATE_LIMIT))
    ] = setting(
        "DIALTONE_CALLBACK_LIMIT_PER_COUNTRY",
        "maximum calls with a code per country that callers of the phone line ask for",
        default="100/1h",
        example="100/1h",
    )
    inbound_limit_per_caller: Annotated[
        SlidingWindow, PlainValidator(rate_limit_parser(MAX_RATE_LIMIT))
    ] = setting(
        "DIALTONE_INBOUND_LIMIT_PER_CALLER",
        "maximum calls to the phone line per number of the caller; later ones hear a busy tone",
        default="10/1h",
        example="10/1h",
    )
    inbound_limit_total: Annotated[
        SlidingWindow, PlainValidator(rate_limit_parser(MAX_RATE_LIMIT))
    ] = setting(
        "DIALTONE_INBOUND_LIMIT_TOTAL",
        "maximum calls to the phone line in total; later ones hear a busy tone",
        default="1000/1h",
        example="1000/1h",
    )
    request_limit_per_identity: Annotated[
        SlidingWindow, PlainValidator(rate_limit_parser(MAX_REQUEST_LIMIT))
    ] = setting(
        "DIALTONE_REQUEST_LIMIT_PER_IDENTITY",
        "maximum requests with the access tokens of one identity, approximately, per instance",
        default="600/1m",
        example="600/1m",
    )
    refresh_limit_per_ip: Annotated[
        SlidingWindow, PlainValidator(rate_limit_parser(MAX_REQUEST_LIMIT))
    ] = setting(
        "DIALTONE_REFRESH_LIMIT_PER_IP",
        "refreshes, logouts and statuses per IP, approximately, per instance; ten times per /48",
        default="1200/1m",
        example="1200/1m",
    )
    trusted_proxies: Annotated[tuple[Network, ...], PlainValidator(parse_trusted_proxies)] = (
        setting(
            "DIALTONE_TRUSTED_PROXIES",
            "networks of the proxies whose X-Forwarded-For is trusted, or none; set in production",
            unset=(),
            example="10.0.0.0/8,192.168.1.5",
        )
    )
    web_origins: Annotated[tuple[str, ...], PlainValidator(list_parser(parse_origin))] = setting(
        "DIALTONE_WEB_ORIGINS",
        "origins of the web apps that may use the API from browsers (CORS)",
        unset=(),
        example="https://app.example.org,http://localhost:3000",
    )
    max_connections_per_ip: Annotated[
        int, Field(ge=10, le=1_000_000), BeforeValidator(check_number)
    ] = setting(
        "DIALTONE_MAX_CONNECTIONS_PER_IP",
        "maximum connections per worker and IP (IPv6: per /64); no limit behind trusted proxies",
        default="1000",
        example="1000",
    )
    is_single_host: Annotated[bool, PlainValidator(parse_yes_or_no)] = setting(
        "DIALTONE_SINGLE_HOST",
        "yes allows SQLite and disk in production: the service runs on this host only",
        default="no",
        example="yes",
    )
    plain_token_ttl: Annotated[timedelta, PlainValidator(duration_parser("1m", "400d"))] = setting(
        "DIALTONE_PLAIN_TOKEN_TTL",
        "lifetime of an access token without a refresh token, e.g. 90d, 12h, 30m or 60s",
        default="90d",
        example="90d",
    )
    access_token_ttl: Annotated[timedelta, PlainValidator(duration_parser("1m", "1d"))] = setting(
        "DIALTONE_ACCESS_TOKEN_TTL",
        "lifetime of an access token with a refresh token",
        default="15m",
        example="15m",
    )
    refresh_token_ttl: Annotated[timedelta, PlainValidator(duration_parser("1h", "400d"))] = (
        setting(
            "DIALTONE_REFRESH_TOKEN_TTL",
            "lifetime of a refresh token; each refresh starts a new lifetime",
            default="90d",
            example="90d",
        )
    )
    session_max_age: Annotated[timedelta, PlainValidator(duration_parser("1h", "3650d"))] = setting(
        "DIALTONE_SESSION_MAX_AGE",
        "time after which a session ends, however often it is used",
        default="365d",
        example="365d",
    )
    session_idle_timeout: Annotated[timedelta, PlainValidator(duration_parser("5m", "400d"))] = (
        setting(
            "DIALTONE_SESSION_IDLE_TIMEOUT",
            "time after which a session ends that is not used",
            default="90d",
            example="90d",
        )
    )
    recycled_after: Annotated[
        timedelta | None, PlainValidator(duration_or_off_parser("1d", "3650d"))
    ] = setting(
        "DIALTONE_RECYCLED_AFTER",
        "unused for so long, a phone gets a new identity at the next login; off: never",
        default="off",
        example="365d",
    )
    max_upload_size: Annotated[
        ByteSize, Field(ge=1_000, le=1_000_000_000), BeforeValidator(check_size)
    ] = setting(
        "DIALTONE_MAX_UPLOAD_SIZE",
        "maximum size of an uploaded file, in bytes or e.g. 20MB",
        default="20MB",
        example="20MB",
    )
    max_image_pixels: Annotated[
        int, Field(ge=1_000, le=500_000_000), BeforeValidator(check_number)
    ] = setting(
        "DIALTONE_MAX_IMAGE_PIXELS",
        "maximum pixels of an image",
        default="50000000",
        example="50000000",
    )
    max_image_frames: Annotated[int, Field(ge=1, le=10_000), BeforeValidator(check_number)] = (
        setting(
            "DIALTONE_MAX_IMAGE_FRAMES",
            "maximum frames of an animated image",
            default="500",
            example="500",
        )
    )
    max_uploads: Annotated[int, Field(ge=1, le=10_000), BeforeValidator(check_number)] = setting(
        "DIALTONE_MAX_UPLOADS",
        "maximum uploads at the same time in a server process; they use as many MiB and 32 more",
        default="64",
        example="64",
    )
    upload_spool_size: Annotated[
        ByteSize | None, Field(ge=2_000, le=1_000_000_000_000), BeforeValidator(check_size)
    ] = setting(
        "DIALTONE_UPLOAD_SPOOL_SIZE",
        "maximum size of the temporary files of all uploads; default: 16 large files per worker",
        example="1GB",
    )
    image_threads: Annotated[int | None, Field(ge=1, le=256), BeforeValidator(check_number)] = (
        setting(
            "DIALTONE_IMAGE_THREADS",
            "images decoded at the same time in a server process; default: processors / workers",
            example="2",
        )
    )
    image_megapixels_per_hour: Annotated[
        int, Field(ge=1, le=10_000_000), BeforeValidator(check_number)
    ] = setting(
        "DIALTONE_IMAGE_MEGAPIXELS_PER_HOUR",
        "megapixels that one user can upload in an hour, all frames counted",
        default="2000",
        example="2000",
    )
    call_retention: Annotated[timedelta, PlainValidator(duration_parser("1h", "3650d"))] = setting(
        "DIALTONE_CALL_RETENTION",
        "time after which a call is deleted from the call log",
        default="90d",
        example="90d",
    )
    recording_retention: Annotated[timedelta, PlainValidator(duration_parser("1h", "3650d"))] = (
        setting(
            "DIALTONE_RECORDING_RETENTION",
            "time after which a recording of a caller is deleted, here and at the provider",
            default="30d",
            example="30d",
        )
    )
    cleanup_interval: Annotated[
        timedelta | None, PlainValidator(duration_or_off_parser("1m", "1d"))
    ] = setting(
        "DIALTONE_CLEANUP_INTERVAL",
        "time between cleanups; off if cron runs `dialtone cleanup`",
        default="15m",
        example="1h",
    )
    log_level: Annotated[LogLevel, BeforeValidator(str.lower)] = setting(
        "DIALTONE_LOG_LEVEL",
        "lowest level that is logged: debug, info, warning or error",
        default="info",
        example="warning",
    )
    log_format: Annotated[LogFormat, BeforeValidator(str.lower)] = setting(
        "DIALTONE_LOG_FORMAT",
        "console for people, json for machines; auto: console on a terminal, json elsewhere",
        default="auto",
        example="json",
    )
    workers: Annotated[int, Field(ge=1, le=256), BeforeValidator(check_number)] = setting(
        "DIALTONE_WORKERS",
        "number of server processes",
        default="1",
        example="4",
    )
    stop_delay: Annotated[timedelta | None, PlainValidator(duration_parser("0s", "10m"))] = setting(
        "DIALTONE_STOP_DELAY",
        "time after SIGTERM in which all is served but readiness fails; default: 5s in production",
        example="10s",
    )
    drain_timeout: Annotated[timedelta, PlainValidator(duration_parser("1s", "1h"))] = setting(
        "DIALTONE_DRAIN_TIMEOUT",
        "time after the stop delay in which open requests may finish",
        default="30s",
        example="30s",
    )
    variables: Annotated[Variables, SkipValidation] = Field(default=Variables(), repr=False)

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
        return SmsProvider.TWILIO in self.sms and "public_url" in self.model_fields_set

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
        test_otps = self.test_otps.get_secret_value().otps
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

    @field_validator("*", mode="before")
    @classmethod
    def _check_printable(cls, value: object, info: ValidationInfo) -> object:
        # A document may have several lines.
        if info.field_name == "secrets":
            return value
        if isinstance(value, str) and not value.isprintable():
            raise InvalidValue("Must not contain unprintable characters.")
        return value
