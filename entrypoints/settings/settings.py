"""All settings: one class, one field for each environment variable."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from application.media.media_urls import MediaAccess
from domain.access import LibraryVisibility
from domain.media.image import SourceFormat, VariantSpec
from domain.otp.challenge import DEFAULT_OTP_LENGTH, MAX_OTP_LENGTH
from domain.otp.message_preferences import parse_app_hash, parse_locale
from domain.otp.review_otps import TestOtps
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber, PhoneRules
from entrypoints.bind import Bind
from entrypoints.settings import parsers, services
from entrypoints.settings.declaration import (
    LIMIT_PROFILES,
    Declaration,
    advanced,
    declared,
    essential,
    limit,
    optional,
)
from entrypoints.settings.values import (
    Database,
    Environment,
    Factory,
    MediaStore,
    Network,
    Secret,
    SmsProvider,
    Variables,
    VoiceProvider,
)

SlidingWindows = tuple[SlidingWindow, ...]

# Each message brings attempts, and after 50 failures in a row one attempt (NIST SP 800-63B-4).
_messages_per_phone = parsers.rate_limits(14)
# A /48 network has three times the limit of an IP.
_limit_per_ip = parsers.rate_limit(5_000)
_limit = parsers.rate_limit(50_000)
_request_limit = parsers.rate_limit(1_000_000)


def _only_country(settings: Any) -> str:
    countries = settings.countries or ()
    return next(iter(countries)) if len(countries) == 1 else ""


def _voice_of_sms(settings: Any) -> str:
    is_twilio = SmsProvider.TWILIO in settings.sms and settings.twilio_caller_id
    return VoiceProvider.TWILIO if is_twilio else VoiceProvider.NONE


def _test_otp(settings: Any) -> str:
    # Without the length, if that is invalid too.
    code = "1234567890"[: getattr(settings, "otp_length", DEFAULT_OTP_LENGTH)]
    return f"+15005550006={code}@{datetime.now(UTC).date() + timedelta(days=180)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the operator decides. `read_settings` parses and checks each field.

    - The variable is the field's name in upper case, after `DIALTONE_` unless it is a vendor's.
    - The docstring below a field is its line in `.env.example`.
    - A field without a value is None, or empty.
    - The AWS fields have values if `media` is an `S3Bucket`, the Twilio fields if
      `uses_twilio`. Otherwise these variables are not read: other programs use them too.
    - Secrets have the type `Secret`.
    """

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
    """yes if the service runs on one host only: then production accepts SQLite and a folder."""
    database: Database = essential(
        services.parse_database,
        default="sqlite:///var/dialtone.db",
        example="mongodb://dialtone:password@127.0.0.1:27017/dialtone?authSource=admin",
    )
    """sqlite:///path, postgresql://host/name, mongodb://host/name, or package.module:factory."""
    media: MediaStore = essential(
        services.parse_media, default="file:var/media", example="s3://example-images/dialtone"
    )
    """file:path (file:///path from the root), s3://bucket/prefix, or package.module:factory."""
    aws_access_key_id: str = essential(
        services.parse_access_key_id, unset="", example="AKIAIOSFODNN7EXAMPLE"
    )
    """Access key ID, required if DIALTONE_MEDIA is an s3:// URL."""
    aws_secret_access_key: Secret[str] = essential(
        Secret, unset=Secret(""), example="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    )
    """Secret access key, required if DIALTONE_MEDIA is an s3:// URL."""
    secrets_file: Path = essential(parsers.parse_path, default="var/secrets.json")
    """File with the keys; development creates it if it is missing, production does not."""
    sms: tuple[SmsProvider | Factory, ...] = essential(
        services.parse_sms, default="console", example="twilio"
    )
    """console (shows messages), twilio, or package.module:factory; several are tried in order."""
    twilio_account_sid: str = essential(
        services.sid("AC"), unset="", example="AC0123456789abcdef0123456789abcdef"
    )
    """Account SID, required if DIALTONE_SMS or DIALTONE_VOICE names twilio."""
    twilio_auth_token: Secret[str] = essential(
        Secret, unset=Secret(""), example="0123456789abcdef0123456789abcdef"
    )
    """Auth token of the account, required if DIALTONE_SMS or DIALTONE_VOICE names twilio."""
    twilio_from: str = essential(services.parse_twilio_from, unset="", example="+15005550006")
    """Number or name that Twilio sends messages from; TWILIO_MESSAGING_SERVICE_SID replaces it."""
    countries: frozenset[str] | None = essential(parsers.parse_countries, example="IN,US,DE")
    """Countries of messages and calls, as ISO codes, or * for all; optional with console alone."""
    limits: str = essential(parsers.choice(*LIMIT_PROFILES), default="medium")
    """small, medium or large: sets all limits of messages, codes and calls, see docs/abuse.md."""
    app_name: str = essential(parsers.parse_app_name, default="Dialtone")
    """Name of your app in messages and calls, 1 to 30 characters; no user can have that name."""

    limit_store: Factory | None = optional(
        services.parse_factory, example="my_package.limits:open_limits"
    )
    """package.module:factory that keeps the rate limits; by default the database keeps them."""
    s3_endpoint: str | None = optional(parsers.parse_url, example="http://127.0.0.1:8333")
    """URL of the S3 server; by default that of Amazon."""
    aws_region: str = optional(services.parse_region, default="us-east-1")
    """Region of the S3 bucket."""
    media_public_url: str | None = optional(parsers.parse_url, example="https://media.example.org")
    """URL of a CDN for images. Without it, image URLs lead to the service or the S3 server."""
    media_access: MediaAccess = optional(parsers.choice(*MediaAccess), default="public")
    """public: everybody with the URL opens an image. private: only its owner gets a URL."""
    media_variants: tuple[VariantSpec, ...] = optional(
        parsers.parse_variants, default="thumb:320x320"
    )
    """Smaller copies as name:WIDTHxHEIGHT, or none. ! at the end stretches; name_webp is WebP."""
    media_url_variant: str | None = optional(str, example="thumb")
    """The variant that the url of an item leads to; by default the full image."""
    media_cache_max_age: timedelta = optional(parsers.duration("0s", "3650d"), default="365d")
    """Time that browsers and CDNs keep public images, also deleted ones."""
    secrets: Secret[str] = optional(
        parsers.parse_secrets, unset=Secret(""), example='"$(dialtone keys generate -)"'
    )
    """The text of a secrets file, instead of DIALTONE_SECRETS_FILE."""
    twilio_messaging_service_sid: str = optional(
        services.sid("MG"), unset="", example="MG0123456789abcdef0123456789abcdef"
    )
    """Messaging service that selects the number of a message, instead of TWILIO_FROM."""
    twilio_voice_from: str = optional(services.parse_caller_id, unset="", example="+15005550006")
    """Number that calls come from; by default TWILIO_FROM, if it is a number with +."""
    voice: VoiceProvider = optional(
        parsers.choice(*VoiceProvider), derive=_voice_of_sms, example="twilio"
    )
    """Who places and answers calls: twilio or none; by default twilio if DIALTONE_SMS names it."""
    twilio_auth_token_secondary: Secret[str] = optional(
        Secret, unset=Secret(""), example="fedcba9876543210fedcba9876543210"
    )
    """Second auth token that is valid too, while you replace the first one."""
    android_hashes: tuple[str, ...] = optional(
        parsers.list_of(parse_app_hash), unset=(), example="FA+9qCX9VSu", name="ANDROID_HASH"
    )
    """Hashes of the Android apps that read the code from the message, the usual app first."""
    web_domain: str | None = optional(parsers.parse_domain, example="example.org")
    """Domain of the website on which browsers fill in the code (WebOTP)."""
    default_locale: str = optional(parse_locale, default="en")
    """Language of a message if the request names no language that has templates."""
    sms_templates_dir: Path | None = optional(parsers.parse_path, example="/etc/dialtone/templates")
    """Folder with message templates of your own, see docs/sms-templates.md."""
    call_flow: Path | None = optional(parsers.parse_path, example="/etc/dialtone/phone_line.toml")
    """TOML file that says what callers of the phone line hear, see docs/voice.md."""
    operator: PhoneNumber | None = optional(parsers.parse_operator, example="+14155552671")
    """Number that callers of the phone line are connected to; by default nobody answers them."""
    default_region: str | None = optional(parsers.parse_country, derive=_only_country, example="IN")
    """Country of numbers without +, as ISO code; by default the only one in DIALTONE_COUNTRIES."""
    accepts_toll_free_numbers: bool = optional(
        parsers.parse_yes_or_no, default="no", name="TOLL_FREE_NUMBERS"
    )
    """yes accepts toll-free numbers, although fraudsters earn money with calls to them."""
    otp_length: int = optional(parsers.number(DEFAULT_OTP_LENGTH, MAX_OTP_LENGTH), default="6")
    """Number of digits of a code, 6 to 8."""
    test_otps: Secret[TestOtps] = optional(
        parsers.parse_test_otps, unset=Secret(TestOtps()), example=_test_otp
    )
    """Numbers with a fixed code until a given day, for app-store reviewers; they get no message."""
    web_origins: tuple[str, ...] = optional(
        parsers.list_of(parsers.parse_origin), unset=(), example="https://app.example.org"
    )
    """Origins of the web apps that may use the API from browsers (CORS)."""
    plain_token_ttl: timedelta = optional(parsers.duration("1m", "400d"), default="90d")
    """Lifetime of an access token without a refresh token, such as 90d, 12h, 30m or 60s."""
    session_max_age: timedelta = optional(parsers.duration("1h", "3650d"), default="365d")
    """Maximum age of a session: after that the user has to sign in again."""
    session_idle_timeout: timedelta = optional(parsers.duration("5m", "400d"), default="90d")
    """Time after which an unused session ends."""
    recycled_after: timedelta | None = optional(
        parsers.duration_or_off("1d", "3650d"), default="off", example="365d"
    )
    """A phone number unused for this time gets a new account at its next login; off: never."""
    max_upload_size: int = optional(parsers.size(1_000, 1_000_000_000), default="20MB")
    """Maximum size of an uploaded file, such as 20MB or 16MiB."""
    library_visibility: LibraryVisibility = optional(
        parsers.choice(*LibraryVisibility),
        derive=lambda settings: "owner" if settings.media_access is MediaAccess.PRIVATE else "all",
        example="owner",
    )
    """all: members see everybody's items. owner: only their own (the default for private media)."""
    library_quota: int = optional(parsers.size(0, 10**15), default="5GB")
    """Maximum bytes that one user has in the library, without variants, such as 5GB or 500MB."""
    library_quota_items: int = optional(parsers.number(0, 10**9), default="10000")
    """Maximum items that one user has in the library."""
    call_retention: timedelta = optional(parsers.duration("1h", "3650d"), default="90d")
    """Time after which a call is deleted from the call log."""
    recording_retention: timedelta = optional(parsers.duration("1h", "3650d"), default="30d")
    """Time after which the recording of a call is deleted, here and at the provider."""
    workers: int = optional(parsers.number(1, 256), default="1")
    """Number of server processes."""
    stop_delay: timedelta = optional(
        parsers.duration("0s", "10m"),
        # In development, nothing routes requests by readiness.
        derive=lambda settings: "5s" if settings.env is Environment.PRODUCTION else "0s",
        example="10s",
    )
    """After SIGTERM, the service still accepts requests for this time; in production 5s."""
    drain_timeout: timedelta = optional(parsers.duration("1s", "1h"), default="30s")
    """Time that open requests have to finish after the stop delay."""
    log_level: str = optional(parsers.choice("debug", "info", "warning", "error"), default="info")
    """Lowest level that is logged: debug, info, warning or error."""
    log_format: str = optional(parsers.choice("auto", "console", "json"), default="auto")
    """console for people or json for machines; auto is console on a terminal and json elsewhere."""

    sms_limit_per_country: SlidingWindow = limit(_limit, "200/1h", "1000/1h", "10000/1h")
    """Messages that did not lead to a login, per country and hour."""
    sms_limit_total: SlidingWindow = limit(_limit, "500/1h", "5000/1h", "50000/1h")
    """Messages that did not lead to a login, in all countries together, per hour."""
    sms_limit_all_factor: int = limit(parsers.number(1, 20), "10")
    """All messages, with logins too: this many times DIALTONE_SMS_LIMIT_PER_COUNTRY and …_TOTAL."""
    sms_limit_per_phone: SlidingWindows = limit(_messages_per_phone, "6/15m,12/1d")
    """Messages to one phone, per quarter of an hour and per day."""
    sms_limit_per_phone_and_ip: SlidingWindows = limit(_messages_per_phone, "5/15m,6/1d")
    """Messages to one phone that clients of one network request (IPv4 /24, IPv6 /48)."""
    sms_limit_trusted_ip: SlidingWindow = limit(parsers.rate_limit(14), "3/1h")
    """Further messages to a phone per hour for each of its devices and each IP of its logins."""
    sms_limit_per_ip: SlidingWindow = limit(_limit_per_ip, "30/1h", "60/1h", "300/1h")
    """Messages that did not lead to a login, per IP (IPv6: per /64) and hour."""
    voice_limit_per_country: SlidingWindow = limit(_limit, "50/1h", "200/1h", "2000/1h")
    """Calls with a code that apps request, per country and hour; each is also a message above."""
    verify_limit_per_ip: SlidingWindow = limit(_limit_per_ip, "300/1h", "600/1h", "3000/1h")
    """Codes that one IP (IPv6: one /64) can try in an hour, for all phones together."""
    failed_attempt_limit_per_country: SlidingWindow = limit(_limit, "200/1h", "1000/1h", "10000/1h")
    """Wrong codes per country and hour; then each message brings two attempts instead of five."""
    failed_attempt_limit_total: SlidingWindow = limit(_limit, "500/1h", "5000/1h", "50000/1h")
    """Wrong codes in all countries per hour; then each message brings two attempts only."""
    callback_limit_per_country: SlidingWindow = limit(_limit, "30/1h", "100/1h", "1000/1h")
    """Calls with a code after a call to the phone line, per country and hour."""
    callback_limit_total: SlidingWindow = limit(_limit, "75/1h", "500/1h", "5000/1h")
    """Calls with a code after a call to the phone line, in all countries together, per hour."""
    inbound_limit_per_caller: SlidingWindow = limit(_limit, "10/1h")
    """Calls of one number that the phone line answers in an hour; further ones hear a busy tone."""
    inbound_limit_total: SlidingWindow = limit(_limit, "200/1h", "1000/1h", "10000/1h")
    """Calls that the phone line answers in an hour; further ones hear a busy tone."""
    operator_limit_per_caller: SlidingWindow = limit(_limit, "3/1h")
    """Calls of one number that are connected to DIALTONE_OPERATOR in an hour."""
    operator_limit_total: SlidingWindow = limit(_limit, "30/1h", "100/1h", "1000/1h")
    """Calls of all numbers that are connected to DIALTONE_OPERATOR in an hour."""
    operator_lines: int = limit(parsers.number(1, 10_000), "3", "10", "100")
    """Callers who can talk to DIALTONE_OPERATOR at the same time; others hear that it is busy."""
    request_limit_per_identity: SlidingWindow = limit(_request_limit, "600/1m")
    """Requests of one signed-in user per minute; each instance counts for itself, approximately."""
    refresh_limit_per_ip: SlidingWindow = limit(_request_limit, "1200/1m")
    """Refreshes, status requests and logouts without a token, per IP and minute, approximately."""

    image_megapixels_per_hour: int = advanced(parsers.number(1, 10_000_000), default="2000")
    """Megapixels that one user can upload in an hour, all frames counted."""
    max_image_pixels: int = advanced(parsers.number(1_000, 500_000_000), default="50000000")
    """Maximum pixels of an image; each million needs up to 12 MB of memory."""
    max_jpeg_pixels: int = advanced(parsers.number(1_000, 500_000_000), default="120000000")
    """Maximum pixels of a JPEG; one over `DIALTONE_MAX_IMAGE_PIXELS` is scaled down."""
    upload_min_rate: int = advanced(parsers.size(0, 10**9), default="32KB")
    """Minimum bytes per second of an upload. If the space is used up, slower uploads end first."""
    image_formats: tuple[SourceFormat, ...] = advanced(
        parsers.list_of(parsers.choice(*SourceFormat)), default="jpeg,png,webp,gif,avif,heic"
    )
    """Formats of images that are accepted; heic stands for HEIF too."""
    max_image_frames: int = advanced(parsers.number(1, 10_000), default="500")
    """Maximum frames of an animated image."""
    cleanup_interval: timedelta | None = advanced(
        parsers.duration_or_off("1m", "1d"), default="15m"
    )
    """Time between cleanups; off if you run `dialtone cleanup` by cron instead."""
    twilio_api_base: str | None = advanced(parsers.parse_url, example="http://127.0.0.1:9999")
    """URL of a server that replaces Twilio's API, for example in tests."""

    variables: Variables = field(default_factory=Variables, repr=False)

    def is_set(self, variable: str) -> bool:
        """Return whether the variable is set, by the environment or by `.env`."""
        return variable in self.variables.values

    @property
    def uses_twilio(self) -> bool:
        """Whether Twilio sends messages or places and answers calls."""
        return SmsProvider.TWILIO in self.sms or self.voice is VoiceProvider.TWILIO

    @property
    def twilio_caller_id(self) -> str:
        """The number that calls come from, empty if there is none."""
        sender = self.twilio_from
        return self.twilio_voice_from or (sender if sender.startswith("+") else "")

    @property
    def has_phone_line(self) -> bool:
        """Whether the provider places calls and can be called. It sends requests then."""
        return self.voice is VoiceProvider.TWILIO and bool(self.twilio_caller_id)

    @property
    def receives_webhooks(self) -> bool:
        """Whether the provider sends requests about messages and calls."""
        return self.uses_twilio and self.is_set("DIALTONE_PUBLIC_URL")

    @property
    def has_voice_channel(self) -> bool:
        """Whether a code can be delivered by a call. The console prints it."""
        return self.has_phone_line or self.sms[0] is SmsProvider.CONSOLE

    @property
    def phone_rules(self) -> PhoneRules:
        """The kinds of numbers that are accepted. Test phones may be of any kind."""
        test_otps = self.test_otps.value.otps
        return PhoneRules(
            accepts_toll_free=self.accepts_toll_free_numbers,
            exceptions=frozenset(test_otp.phone for test_otp in test_otps),
        )

    @property
    def media_cache_control(self) -> str:
        """The header of public images. Their files never change."""
        seconds = self.media_cache_max_age // timedelta(seconds=1)
        return f"public, max-age={seconds}, immutable"


class InvalidSetting(AttributeError):
    """The variable of this field has an invalid value."""


class PartialSettings(Settings):
    """Settings while they are read: the field of an invalid variable has no value."""

    __slots__ = ()

    def __init__(self, variables: Variables) -> None:
        """Begin without values."""
        self.set("variables", variables)

    def set(self, field_name: str, value: Any) -> None:
        """Give a field its value."""
        object.__setattr__(self, field_name, value)

    def __getattr__(self, name: str) -> Any:
        """Raise the error that says why a field has no value."""
        raise InvalidSetting(name)

    def complete(self) -> Settings:
        """Return the settings, when all fields have a value."""
        return Settings(**{one.name: getattr(self, one.name) for one in fields(self)})


FIELDS: Final[Mapping[str, tuple[str, Declaration]]] = declared(Settings)
"""Each variable's field: its name and its declaration."""
