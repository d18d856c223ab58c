"""The type of a field says how its text is read; errors say what is valid and quote nothing."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import pytest

from adapters.security.keys.document import generate_document
from domain.countries import ALL_COUNTRIES
from domain.errors import InvalidValue
from domain.features.media.image import VariantSpec
from domain.otp.challenge import OtpCode
from domain.otp.fixed_codes import FixedCode, FixedCodes
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber, parse_phone
from entrypoints.composition.settings import FIELDS
from entrypoints.features.media.stores import MediaFolder, S3Bucket
from entrypoints.settings import parsers, providers
from entrypoints.settings.readers import HookSecrets, HttpUrl, Reader, reader_of
from entrypoints.settings.values import (
    Bind,
    DatabaseLocation,
    Factory,
    HttpHook,
    MongoLocation,
    PostgresLocation,
    Secret,
    SqliteLocation,
)
from tests.support.keys import private_key, to_pem
from tests.support.servers.fake_vonage import private_pem
from tests.unit.entrypoints.settings.texts import SECRET


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


HOUR: Final = timedelta(hours=1)
NEW, FORMER, OLDEST = f"{SECRET}-a", f"{SECRET}-b", f"{SECRET}-c"
SECRETS_OF_HOOK: Final = (f"whsec_{'+/' * 21}8=", f"whsec_{'A' * 43}")
VONAGE_KEY: Final = private_pem().strip()
DOCUMENT: Final = generate_document(indent=None).strip()
CODE: Final = OtpCode("123456")
TEST_PHONE: Final = parse_phone("+15005550006", rules=None)
WITHOUT_END: Final = (FixedCode(TEST_PHONE, CODE), FixedCode(parse_phone("+14155552671"), CODE))
UNTIL_2027: Final = FixedCode(TEST_PHONE, CODE, datetime(2027, 1, 2, tzinfo=UTC))
NETWORKS: Final = tuple(map(ip_network, ("10.0.0.0/8", "1.2.3.4", "fd00::/8")))
A_HOOK: Final = HttpHook("HTTPS://SMS.test/a?b", "https://sms.test")
SECOND_HOOK: Final = HttpHook("https://sms.test/2", "https://sms.test (2)")
LOCAL_HOOK: Final = HttpHook("http://[::1]:80/", "http://[::1]:80")
VALID_URLS: Final = {
    "sqlite:////srv/a b.db": SqliteLocation(Path("/srv/a b.db")),
    **{
        url: MongoLocation(url)
        for url in (
            "mongodb://my_box:27017,[::1]:3,10.0.0.1/Dialtone_2-test?replicaSet=rs0",
            "mongodb://user:%3A%2F%3f%23%40%25$!+@db.test/dialtone?",
            "mongodb://user:password@%2Frun%2Fa%20b.sock,db.test/administration",
            f"mongodb+srv://cluster/l%C3%A4ut{'n' * 58}?appName=dialtone",
        )
    },
    **{
        url: PostgresLocation(url)
        for url in (
            "postgresql:///dialtone",
            "postgresql://dialtone@%2Frun%2Fpostgresql/dialtone",
            "postgresql://user:password@a.test:5432,b.test/d?sslmode=verify-full&timeout=2",
            "postgresql://user:%3A%2F%3f%23%40%25$!+@[::1]:5432/l%C3%A4ut?pool_size=20",
        )
    },
}


def unchanged(*texts: str) -> dict[str, Any]:
    return dict(zip(texts, texts, strict=True))


TYPES: Final[Sequence[tuple[Any, Mapping[str, Any], Sequence[str]]]] = [
    (bool, {"Yes": True, "no": False}, ["true", "1"]),
    (int, {"10": 10}, ["1e3", "-1"]),
    (Annotated[int, parsers.number(1, 256)], {"1": 1, "256": 256},
     ["0", "257", "+1", "4.0", "1_000", "1e3", "\u0664", "many"]),
    (Annotated[int, parsers.size(1_000, 10**9)],
     {"1000": 1_000, "1GB": 10**9, "20 kb": 20_000, "5 MiB": 5 * 1024**2},
     ["999", "2GB", "20XB", "1.5MB", "9" * 5000, "16\u212aB"]),
    (timedelta, {"90D": 2160 * HOUR, "0s": 0 * HOUR}, ["90", "1.5h", "-1d", "d", "90 d", "1w"]),
    (Annotated[timedelta, parsers.duration("1h", "3650d")],
     {"60m": HOUR, "3600s": HOUR, "3650d": 24 * 3650 * HOUR},
     ["59m", "3651d", "off", "\u0669\u0660d"]),
    (Annotated[timedelta | None, parsers.duration_or_off("1m", "1d")], {"Off": None}, ["2d"]),
    (SlidingWindow, {"60/1h": SlidingWindow(60, HOUR)}, ["60", "60/1h,9/1d"]),
    (Annotated[SlidingWindow, parsers.rate_limit(5_000)],
     {"5000 / 90m": SlidingWindow(5_000, 1.5 * HOUR)},
     ["5/", "/1h", "0/1h", "5001/1h", "5/2d", "5/30s", "five/1h"]),
    (Annotated[tuple[Any, ...], parsers.rate_limit_with_day(5)],
     {"5/2h": (SlidingWindow(5, 2 * HOUR), None),
      "5/2h, 120/1d": (SlidingWindow(5, 2 * HOUR), SlidingWindow(120, 24 * HOUR))},
     ["5/1h,", ",9/1d", "5/1h,121/1d", "5/1h,9/2h", "4/1d,5/1d", "5/1h,9/1d,9/1d"]),
    (Path | None, {"/etc/t/": Path("/etc/t")}, [f"https://me:{SECRET}@a.test"]),
    (tuple[Color, ...], {"Blue, red": (Color.BLUE, Color.RED)}, ["green", "red,", "red,,blue"]),
    (Literal["auto", "json"], {"JSON": "json"}, ["text"]),
    (tuple[Annotated[int, Reader(parsers.number(1, 9), "3")], ...], {"1,2": (1, 2)}, ["1,10"]),
    (Secret[Annotated[int, parsers.number(1, 9)]], {"9": Secret(9)}, ["10"]),
    (Bind, {"[::1]:80": Bind("::1", 80), "my_host:1": Bind("my_host", 1)},
     [SECRET, ":80", "a:0", "a:65536", "::1:80", "a b:1", "127.0.1:80", "[127.0.0.1]:80"]),
    (PhoneNumber, {"+18005550123": parse_phone("+18005550123", rules=None)},
     ["4155552671", f"+{SECRET}", "+14155552671,+14155552672"]),
    (HttpUrl, {"https://dial.test/": "https://dial.test"},
     ["dial.test", "ftp://dial.test", "https://", "https://:80", "https://h/?a", "https://h#a",
      f"https://{SECRET}@h", "https://h:99999", "https://h:0", "https://ü.test", "https://a b"]),
    (Annotated[tuple[Any, ...], parsers.parse_trusted_proxies],
     {"None": (), "10.0.0.0/8, 1.2.3.4,fd00::/8": NETWORKS},
     ["10.0.0.1/8", "10.0.0.0/33", "proxy.test", "10.0.0.0/8,None"]),
    (DatabaseLocation, VALID_URLS,
     ["var/a.db", "sqlite://a.db", "sqlite:///", "sqlite:///a/", "sqlite:///:memory:",
      "sqlite:///a.db?mode=ro"]),
    (Factory, {"my.package:factory": Factory("my.package:factory")},
     ["a.b", "a:b:c", "a..b:c", "a:b.c", "sqlite:data"]),
    (HttpHook, {A_HOOK.url: A_HOOK, LOCAL_HOOK.url: LOCAL_HOOK},
     [SECRET, "our.hook:open", "https://a.test,https://b.test",  # another thing, or two
      f"http://10.0.0.1/{SECRET}", f"http://localhost.{SECRET}.test",  # not this machine
      f"https://{SECRET}@h/", f"https://h/#{SECRET}",  # no credentials and no fragment
      "https:///path", "https://[::1/", f"https://{SECRET}:0/",  # a host and a port
      f"https://h/{SECRET} b", f"https://h/{SECRET}\N{SNOWMAN}"]),  # printable ASCII
    (HookSecrets,
     {"A" * 32: Secret(("A" * 32,)), ", ".join(SECRETS_OF_HOOK): Secret(SECRETS_OF_HOOK)},
     [f"whsec_{'A' * 31}", f"whsec_{'-' * 32}", "\u00e4" * 32, ",".join(["A" * 32] * 3), SECRET]),
    (Annotated[Any, parsers.secrets_of(str)],
     {NEW: Secret((NEW,)), f" {FORMER} ,{NEW} ,  {OLDEST} ": Secret((FORMER, NEW, OLDEST))},
     [f"{NEW},", f"{NEW}, {NEW}", f"{OLDEST},{NEW} {FORMER}"]),
    (FixedCodes,
     {"+15005550006=123456@2027-01-01": FixedCodes((UNTIL_2027,)),
      "+15005550006=123456, +1 415 555 2671 = 123456": FixedCodes(WITHOUT_END)},
     ["+15005550006", "+15005550006=12345", "15005550006=123456",
      f"+15005550006=123456@{SECRET}", "+15005550006=123456@2027-02-30",
      "+15005550006=123456@9999-12-31", "+1=123456@2027-01-01",
      "+15005550006=123456,+15005550006=654321"]),
]  # fmt: skip
"""Each type, texts with their values, and texts that it rejects."""
VARIABLES: Final[Mapping[str, tuple[Mapping[str, Any], Sequence[str]]]] = {
    "DIALTONE_TOKEN_ISSUER": (unchanged("dialtone", "https://h"), [
        "https://h/", "HTTPS://h", "https://h?a", f"https://{SECRET}@h", "a:b", "a b", "none",
        "a" * 201, f"https://h/{'a' * 191}", "https://h,dialtone",
    ]),
    "DIALTONE_FORMER_ISSUERS": (
        {"None": (), "dialtone, https://a.test": ("dialtone", "https://a.test")},
        ["dialtone,", "dialtone,none", "https://h/"],
    ),
    "DIALTONE_SECRETS": (
        {DOCUMENT: Secret(DOCUMENT)},
        ["{", "[]", '{"version": 1}', "[" * 100_000, f'{{"{SECRET}": 1'],
    ),
    "DIALTONE_SMS": (
        {f"{A_HOOK.url}, own:factory,https://sms.test/2 ,Console,Twilio,vonage": (
            *(A_HOOK, Factory("own:factory"), SECOND_HOOK),
            *(providers.TERMINAL, providers.TWILIO, providers.VONAGE),
        )},
        [SECRET, "twilio,twilio", "console,", "https:/h", f"https://h/{SECRET},https://h/{SECRET}"],
    ),
    "DIALTONE_APP_NAME": (
        unchanged("Läut & Co"), ["a" * 31, "dial.test", "https://dial", "127.0.0.1", "Dr.Dial"]
    ),
    "DIALTONE_WEB_DOMAIN": ({"Login.Example.org": "login.example.org"}, [
        "https://a.test", "a.test:80", "a", "müller.test", "a..test", "127.0.0.1", "a_b.test",
        "-a.test", "xn--.test", f"{'a.' * 127}test",
    ]),
    "DIALTONE_COUNTRIES": (
        {"IN, us": frozenset({"IN", "US"}), "*": ALL_COUNTRIES},
        ["XX", "IN;US", "IN,,US", SECRET, "*,IN"],
    ),
    "DIALTONE_WEB_ORIGINS": (
        {
            "HTTPS://App.test:443, https://app.test:8443,https://[2001:DB8::0:1]": (
                *("https://app.test", "https://app.test:8443", "https://[2001:db8::1]"),
            ),
            "http://127.0.0.1:80,http://[::1]:5173,http://a.localhost,Ionic://localhost": (
                *("http://127.0.0.1", "http://[::1]:5173", "http://a.localhost"),
                "ionic://localhost",
            ),
        },
        [
            "*", "https://*.app.test", "null",  # a whole origin
            "app.test", "https://app.test/", f"https://{SECRET}@app.test",  # scheme, host and port
            "http://app.test",  # plain HTTP is for this machine
            "https://app.test:0", "https://app.test:65536", "https://app.test:",  # a port
            "https://[::g]", "https://ä.test",  # a host
            "capacitor://app.test", "ionic://localhost:80", "electron://localhost",  # a hybrid app
        ],
    ),
    "TWILIO_FROM": (
        unchanged("+15005550006", "55512", "MGM&Co _1+-", "1st Bank"),
        ["+12", "ACME Läut", "Twelve chars", "555-0006"],
    ),
    "VONAGE_APPLICATION_ID": (  # Vonage's callbacks have it in lower case.
        {"AAAAAAAA-bbbb-cccc-dddd-0123456789ab": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"},
        ["a1b2c3d4", "aaaaaaaa-bbbb-cccc-dddd-0123456789ag"],
    ),
    "VONAGE_FROM": (
        {"+15005550006": "15005550006"} | unchanged("15005550006", "Acme 24", "12345"),
        ["+12", "ACME Läut", "Twelve chars", "555-0006", "Acme&Co", "+0123456789"],
    ),
    "VONAGE_PRIVATE_KEY": (
        {VONAGE_KEY: Secret(VONAGE_KEY), VONAGE_KEY.replace("\n", "\\n"): Secret(VONAGE_KEY)},
        ["MIIEvQIBADANBg", VONAGE_KEY[:200], to_pem(private_key(1)).decode(), "\x00\ud800"],
    ),
    "DIALTONE_MEDIA": ({
        "our.own:files": Factory("our.own:files"),
        "file:///srv/a%20b/": MediaFolder(Path("/srv/a b")),
        "file://localhost/srv": MediaFolder(Path("/srv")),
        "file:var/media": MediaFolder(Path("var/media").absolute()),
        "s3://my-bucket.2/": S3Bucket("my-bucket.2", ""),
        f"s3://{'b' * 63}/it's.(ours)!*/c_d/": S3Bucket("b" * 63, "it's.(ours)!*/c_d"),
    }, [
        "var/media", "file:///", "file://var/media", "file:a?b", "file:///a%00b",
        "//exam[]ple/images", "file://\N{ACCOUNT OF}/srv", "s3:bucket", "a-b:c",
        "s3://", "s3://ab", f"s3://{'b' * 64}",  # 3 to 63 characters
        "s3://Abc", "s3://a_c", "s3://-bc", "s3://ab-", "s3://a..c",  # a DNS name in lower case
        "s3://abc:9000", f"s3://user:{SECRET}@abc/a", "S3://abc",  # nothing else
        "s3://abc//", "s3://abc/a//b", "s3://abc/../a",  # names between slashes
        "s3://abc/a b", "s3://abc/ä", "s3://abc/+",  # characters that no client escapes
        "s3://abc/a?b", "s3://abc/a#b", "s3://abc/a%20b",  # no other part of a URL
    ]),
    "DIALTONE_MEDIA_VARIANTS": ({
        "none": (),
        "a:2048x1, led:64x64!,a_webp:9x8": (
            VariantSpec("a", 2048, 1),
            VariantSpec("led", 64, 64, is_exact=True),
            VariantSpec("a_webp", 9, 8, is_webp=True),
        ),
    }, [
        "a", "a:9x0", "a:2049x1", "a:9x9!!", "a:9x9,a:8x8", "full:9x9", "a-b:9x9",
        ",".join(f"a{number}:9x9" for number in range(11)),
    ]),
    "WHATSAPP_TEMPLATE_LANGUAGES": (
        {"pt_BR, en, fil": ("pt_BR", "en", "fil")}, ["en_US,en_US", "pt-BR", "english"]
    ),
}  # fmt: skip
"""Variables whose type is read for them alone."""
ROWS: Final = [
    *(
        pytest.param(reader_of(kind), *row, id=f"type {place}")
        for place, (kind, *row) in enumerate(TYPES)
    ),
    *(pytest.param(FIELDS[name].reader, *VARIABLES[name], id=name) for name in VARIABLES),
]


@pytest.mark.parametrize(("reader", "valid", "invalid"), ROWS)
def test_a_type_reads_its_texts_and_rejects_others_without_quoting_them(
    reader: Reader, valid: Mapping[str, object], invalid: Sequence[str]
) -> None:
    for text, value in valid.items():
        assert reader.read(text) == value, text
    for text in invalid:
        with pytest.raises(InvalidValue) as error:
            reader.read(text)
        assert SECRET not in error.value.message
        assert "A" * 20 not in error.value.message


def message_of(name: str, text: str) -> str:
    with pytest.raises(InvalidValue) as error:
        FIELDS[name].reader.read(text)
    return error.value.message


@pytest.mark.parametrize(
    ("name", "text", "messages"),
    [
        (
            "DIALTONE_COUNTRIES",
            "uk,IN,USA,XX",
            ["Value 1: Must be an ISO code of two letters. Did you mean GB?", "Value 3: ",
             "Value 4: "],
        ),
        ("DIALTONE_LIMIT_STORE", "redis://h/0", ["Limits in Redis were removed"]),
        ("DIALTONE_WEB_ORIGINS", "*", ["would let every web page use the API"]),
        ("DIALTONE_SECRETS", "a.b:c", ["which `dialtone keys generate -` prints"]),
        ("TWILIO_AUTH_TOKEN", f"{OLDEST},{NEW} {FORMER}", ["Value 2: Must have commas between"]),
        ("DIALTONE_TEST_OTPS", '"+15005550006=123456"', ["Must be without quotes"]),
        ("DIALTONE_TEST_OTPS", "+15005550006=12345", ["as many as DIALTONE_OTP_LENGTH says"]),
    ],
)  # fmt: skip
def test_a_usual_mistake_is_named(name: str, text: str, messages: Sequence[str]) -> None:
    found = message_of(name, text)
    assert [message for message in messages if message not in found] == []


INVALID_URLS: Final = {
    "are written %3A %2F %3F %23 %40 %25": [
        "mongodb://me:top:s3cret@db.test/name", "mongodb://me:top@s3cret@db.test/name",
        "mongodb://me:12/tops3cret@db.test", "mongodb://me:top?s3cret@db.test/name",
        "mongodb://me:top#s3cret@db.test/name", "mongodb://me:tops3cret%@db.test/name",
        "mongodb://:tops3cret@db.test/name", "mongodb://db.test/name?appName=top@s3cret",
    ],
    "Must be mongodb://host:port/name": [
        "mongodb:///name", "mongodb://a b/name", "mongodb://a:b/name", "mongodb://a/name?tls",
    ],
    "with one host and no port, mongodb+srv://": ["mongodb+srv:///name"],
    "must name the database": [
        "mongodb://db.test", "mongodb://db.test/?authSource=admin",
        "postgresql://db.test", "postgresql:///", "postgresql://?dbname=name",
    ],
    "The name of the database": [
        f"mongodb://db.test/{name}" for name in ("a$b", "a+b", "a%2Fb", "a%00b", "n" * 64, "Admin")
    ],
    "Must be postgresql://host:port/name": [
        "postgresql://a b/name", "postgresql://h/name?sslmode", "postgresql://h/name#s3cret",
        "postgresql://h/name/s3cret", "postgresql://me:top@s3cret@h/name",
        "postgresql://me:top%s3cret@h/name", "postgresql://h/name?application_name=t@s3cret",
    ],
    "Must be sqlite:///path": [
        "MONGODB://db.test/name", "mongodb:/db.test/name", "postgres://me:s3cret@h/n",
    ],
}  # fmt: skip


@pytest.mark.parametrize("message", INVALID_URLS)
def test_the_error_says_what_is_wrong_with_a_url_and_does_not_quote_it(message: str) -> None:
    for url in INVALID_URLS[message]:
        found = message_of("DIALTONE_DATABASE", url)
        assert message in found, url
        assert "s3cret" not in found
