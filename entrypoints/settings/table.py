"""The table of settings: each with its default, one line about it and an example."""

from typing import Any, Final

from domain.countries import parse_country
from domain.otp.templates.preferences import parse_app_hash, parse_locale
from entrypoints.settings.addresses import read_bind, read_domain, read_network, read_url
from entrypoints.settings.amounts import count_between, duration_between, size_between
from entrypoints.settings.budgets import window_up_to, windows_up_to
from entrypoints.settings.fixed_codes import read_fixed_codes
from entrypoints.settings.kinds import Environment, LogFormat, LogLevel
from entrypoints.settings.places import read_database, read_folder, read_media, read_path
from entrypoints.settings.s3 import read_access_key_id, read_region
from entrypoints.settings.twilio import (
    read_account_sid,
    read_messaging_service_sid,
    read_twilio_from,
)
from entrypoints.settings.variable import Variable, listed, optional
from entrypoints.settings.words import (
    one_of,
    read_app_name,
    read_countries,
    read_senders,
    read_yes_or_no,
)

MOST_SENDS_A_DAY: Final = 14
"""With five tries each, and thirty that name no request, a hundred failures in a row: what NIST SP
800-63B-4 allows."""
MOST_SLOTS: Final = 50_000

ENV: Final = Variable(
    "DIALTONE_ENV",
    one_of(Environment),
    "development or production; production refuses what is only good for trying out",
    example="production",
    default="development",
)
BIND: Final = Variable(
    "DIALTONE_BIND",
    read_bind,
    "where the server listens, host:port",
    example="[::1]:8000",
    default="127.0.0.1:8000",
)
DATABASE: Final = Variable(
    "DIALTONE_DATABASE",
    read_database,
    "records: sqlite:///path (//// from the root), mongodb://host/name, or package.module:factory",
    example="sqlite:////srv/dialtone/dialtone.db",
    default="sqlite:///var/dialtone.db",
    more_examples=(
        "mongodb://dialtone:password@127.0.0.1:27017/dialtone?authSource=admin",
        "mongodb+srv://dialtone:password@cluster.example.org/dialtone",
    ),
)
MEDIA: Final = Variable(
    "DIALTONE_MEDIA",
    read_media,
    "files: file:path (file:/// from the root), s3://bucket/prefix, or package.module:factory",
    example="file:///srv/dialtone/media",
    default="file:var/media",
    more_examples=("s3://example-pictures/dialtone",),
)
S3_ENDPOINT: Final = Variable(
    "DIALTONE_S3_ENDPOINT",
    optional(read_url),
    "where an s3:// address is served, if not by Amazon",
    example="http://127.0.0.1:8333",
)
AWS_ACCESS_KEY_ID: Final = Variable(
    "AWS_ACCESS_KEY_ID",
    optional(read_access_key_id),
    "the access key that opens the bucket of an s3:// address",
    example="AKIAIOSFODNN7EXAMPLE",
)
AWS_SECRET_ACCESS_KEY: Final = Variable(
    "AWS_SECRET_ACCESS_KEY",
    optional(str),
    "the secret part of that access key",
    example="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    is_secret=True,
)
AWS_REGION: Final = Variable(
    "AWS_REGION",
    read_region,
    "the region that the bucket is in",
    example="eu-central-1",
    default="us-east-1",
)
MEDIA_PUBLIC_URL: Final = Variable(
    "DIALTONE_MEDIA_PUBLIC_URL",
    optional(read_url),
    "the address in front of folder or bucket, like a CDN's; by default our own, or signed ones",
    example="https://media.example.org",
)
SMS: Final = Variable(
    "DIALTONE_SMS",
    read_senders,
    "who sends: console (shows it), twilio, package.module:factory; several are tried in order",
    example="twilio,my_sms:open_messenger",
    default="console",
)
TWILIO_ACCOUNT_SID: Final = Variable(
    "TWILIO_ACCOUNT_SID",
    optional(read_account_sid),
    "the account that twilio sends by",
    example="AC0123456789abcdef0123456789abcdef",
)
TWILIO_AUTH_TOKEN: Final = Variable(
    "TWILIO_AUTH_TOKEN",
    optional(str),
    "the secret token of that account",
    example="0123456789abcdef0123456789abcdef",
    is_secret=True,
)
TWILIO_FROM: Final = Variable(
    "TWILIO_FROM",
    optional(read_twilio_from),
    "the number or name that messages come from; this or TWILIO_MESSAGING_SERVICE_SID",
    example="+15005550006",
)
TWILIO_MESSAGING_SERVICE_SID: Final = Variable(
    "TWILIO_MESSAGING_SERVICE_SID",
    optional(read_messaging_service_sid),
    "the messaging service that picks a number; this or TWILIO_FROM",
    example="MG0123456789abcdef0123456789abcdef",
)
TWILIO_API_BASE: Final = Variable(
    "TWILIO_API_BASE",
    optional(read_url),
    "where the requests for Twilio go, if not to Twilio",
    example="http://127.0.0.1:9999",
)
PUBLIC_URL: Final = Variable(
    "DIALTONE_PUBLIC_URL",
    read_url,
    "the address that the world sees; by default from DIALTONE_BIND",
    example="https://dialtone.example.org",
)
SECRETS: Final = Variable(
    "DIALTONE_SECRETS",
    read_path,
    "the file with the keys; made when it is missing, in development only",
    example="/etc/dialtone/secrets.json",
    default="var/secrets.json",
)
COUNTRIES: Final = Variable(
    "DIALTONE_COUNTRIES",
    optional(read_countries),
    "ISO codes of the countries to send codes to, * for all; needed by any sender but console",
    example="IN,US,DE",
)
DEFAULT_REGION: Final = Variable(
    "DIALTONE_DEFAULT_REGION",
    optional(parse_country),
    "ISO code of the country of numbers written without +",
    example="IN",
)
TEST_NUMBERS: Final = Variable(
    "DIALTONE_TEST_NUMBERS",
    read_fixed_codes,
    "numbers with a fixed code and their last day, for reviews by app stores; nothing is sent",
    example="+15005550006=123456@2027-01-01",
    is_secret=True,
)
APP_NAME: Final = Variable(
    "DIALTONE_APP_NAME",
    read_app_name,
    "the name in the messages, 1 to 30 characters",
    example="Acme",
    default="Dialtone",
)
ANDROID_HASH: Final = Variable(
    "DIALTONE_ANDROID_HASH",
    listed(parse_app_hash),
    "hashes of the Android apps that read their code by themselves, the usual one first",
    example="FA+9qCX9VSu",
)
WEB_DOMAIN: Final = Variable(
    "DIALTONE_WEB_DOMAIN",
    optional(read_domain),
    "the website whose visitors have their code filled in",
    example="example.org",
)
LOCALE: Final = Variable(
    "DIALTONE_LOCALE",
    parse_locale,
    "the language of messages where none is asked for, or one that has no texts",
    example="pt-BR",
    default="en",
)
TEXTS: Final = Variable(
    "DIALTONE_TEXTS",
    optional(read_folder),
    "a folder with message texts of your own, as in docs/texts.md",
    example="/etc/dialtone/texts",
)
SENDS_PER_PHONE: Final = Variable(
    "DIALTONE_SENDS_PER_PHONE",
    windows_up_to(MOST_SENDS_A_DAY),
    "the most messages to one phone, in any stretch of so long",
    example="5/15m,10/1d",
    default="5/15m,10/1d",
)
SENDS_PER_PHONE_AND_ADDRESS: Final = Variable(
    "DIALTONE_SENDS_PER_PHONE_AND_ADDRESS",
    windows_up_to(MOST_SENDS_A_DAY),
    "how many of them one address may ask for",
    example="3/15m,5/1d",
    default="3/15m,5/1d",
)
SENDS_RESERVED: Final = Variable(
    "DIALTONE_SENDS_RESERVED",
    window_up_to(MOST_SENDS_A_DAY),
    "messages more for an address that the phone has signed in from lately",
    example="3/1h",
    default="3/1h",
)
SENDS_PER_ADDRESS: Final = Variable(
    "DIALTONE_SENDS_PER_ADDRESS",
    window_up_to(MOST_SLOTS // 10),
    "the most messages that one address (of IPv6 a /64) may ask for; a /48 ten times that",
    example="60/1h",
    default="60/1h",
)
SENDS_PER_COUNTRY: Final = Variable(
    "DIALTONE_SENDS_PER_COUNTRY",
    window_up_to(MOST_SLOTS),
    "the most messages to one country",
    example="1000/1h",
    default="1000/1h",
)
SENDS_IN_ALL: Final = Variable(
    "DIALTONE_SENDS_IN_ALL",
    window_up_to(MOST_SLOTS),
    "the most messages in all",
    example="5000/1h",
    default="5000/1h",
)
CHECKS_PER_ADDRESS: Final = Variable(
    "DIALTONE_CHECKS_PER_ADDRESS",
    window_up_to(MOST_SLOTS // 10),
    "the most codes that one address may try, for whatever phones; a /48 ten times that",
    example="600/1h",
    default="600/1h",
)
TRUSTED_PROXIES: Final = Variable(
    "DIALTONE_TRUSTED_PROXIES",
    listed(read_network),
    "networks of the proxies whose X-Forwarded-For is believed",
    example="10.0.0.0/8,192.168.1.5",
)
SINGLE_HOST: Final = Variable(
    "DIALTONE_SINGLE_HOST",
    read_yes_or_no,
    "yes allows SQLite and disk in production: everything is on this one machine",
    example="yes",
    default="no",
)
PLAIN_TOKEN_TTL: Final = Variable(
    "DIALTONE_PLAIN_TOKEN_TTL",
    duration_between("1m", "400d"),
    "how long an access token lives that cannot be refreshed, like 90d, 12h, 30m or 45s",
    example="90d",
    default="90d",
)
ACCESS_TOKEN_TTL: Final = Variable(
    "DIALTONE_ACCESS_TOKEN_TTL",
    duration_between("1m", "1d"),
    "how long an access token lives that comes with a refresh token",
    example="15m",
    default="15m",
)
REFRESH_TOKEN_TTL: Final = Variable(
    "DIALTONE_REFRESH_TOKEN_TTL",
    duration_between("1h", "400d"),
    "how long a refresh token lives; the next one begins anew",
    example="90d",
    default="90d",
)
UPLOAD_LIMIT: Final = Variable(
    "DIALTONE_UPLOAD_LIMIT",
    size_between("1kB", "1GB"),
    "the largest file that may be uploaded, in bytes or like 20MB",
    example="20MB",
    default="20MB",
)
PICTURE_PIXELS: Final = Variable(
    "DIALTONE_PICTURE_PIXELS",
    count_between(1_000, 500_000_000),
    "the most pixels that a picture may have",
    example="50000000",
    default="50000000",
)
PICTURE_FRAMES: Final = Variable(
    "DIALTONE_PICTURE_FRAMES",
    count_between(1, 10_000),
    "the most frames that a moving picture may have",
    example="500",
    default="500",
)
LOG_LEVEL: Final = Variable(
    "DIALTONE_LOG_LEVEL",
    one_of(LogLevel),
    "the least that is logged: debug, info, warning or error",
    example="warning",
    default="info",
)
LOG_FORMAT: Final = Variable(
    "DIALTONE_LOG_FORMAT",
    one_of(LogFormat),
    "console for people, json for machines; auto is console on a terminal and json elsewhere",
    example="json",
    default="auto",
)
WORKERS: Final = Variable(
    "DIALTONE_WORKERS",
    count_between(1, 256),
    "how many server processes share the work",
    example="4",
    default="1",
)

VARIABLES: Final[tuple[Variable[Any], ...]] = (
    ENV,
    BIND,
    PUBLIC_URL,
    DATABASE,
    MEDIA,
    S3_ENDPOINT,
    AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY,
    AWS_REGION,
    MEDIA_PUBLIC_URL,
    SECRETS,
    SMS,
    TWILIO_ACCOUNT_SID,
    TWILIO_AUTH_TOKEN,
    TWILIO_FROM,
    TWILIO_MESSAGING_SERVICE_SID,
    TWILIO_API_BASE,
    APP_NAME,
    ANDROID_HASH,
    WEB_DOMAIN,
    LOCALE,
    TEXTS,
    COUNTRIES,
    DEFAULT_REGION,
    TEST_NUMBERS,
    SENDS_PER_PHONE,
    SENDS_PER_PHONE_AND_ADDRESS,
    SENDS_RESERVED,
    SENDS_PER_ADDRESS,
    SENDS_PER_COUNTRY,
    SENDS_IN_ALL,
    CHECKS_PER_ADDRESS,
    TRUSTED_PROXIES,
    SINGLE_HOST,
    PLAIN_TOKEN_TTL,
    ACCESS_TOKEN_TTL,
    REFRESH_TOKEN_TTL,
    UPLOAD_LIMIT,
    PICTURE_PIXELS,
    PICTURE_FRAMES,
    LOG_LEVEL,
    LOG_FORMAT,
    WORKERS,
)
