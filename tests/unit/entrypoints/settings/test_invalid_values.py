"""A value that a variable cannot have is an error, which does not quote it."""

from typing import Final

import pytest

from domain.errors import InvalidValue
from entrypoints.settings.composition import FIELDS
from tests.unit.entrypoints.settings.texts import SECRET, only_installed

HEX: Final = "0123456789abcdefABCDEF0123456789"
INVALID: Final = {
    "DIALTONE_ENV": ["dev", "development,production"],
    "DIALTONE_BIND": [
        SECRET, ":8000", "a:0", "a:65536", "::1:80", "a b:1", "127.0.1:80", "[127.0.0.1]:80",
    ],
    "DIALTONE_DATABASE": [
        "var/a.db", "sqlite://a.db", "sqlite:///", "sqlite:///a/", "sqlite:///:memory:",
        "sqlite:///a.db?mode=ro", f"postgres://u:{SECRET}@h/d", "sqlite:data",
        "a.b", "a:b:c", "a..b:c", "a:b.c",  # no factory
    ],
    "DIALTONE_LIMIT_STORE": [
        "limits", "sqlite:limits", "unix:///a.sock", f"redis://u:{SECRET}@h/0", "rediss://h",
    ],
    "DIALTONE_PUBLIC_URL": [
        "dial.test", "ftp://dial.test", "https://", "https://h/?a", "https://h#a",
        f"https://{SECRET}@h", "https://h:99999", "https://ü.test", "https://a b",
    ],
    "DIALTONE_TOKEN_ISSUER": [
        "https://h/", "HTTPS://h", "https://h?a", f"https://{SECRET}@h", "a:b", "a b", "none",
        "a" * 201, f"https://h/{'a' * 191}", "https://h,dialtone",
    ],
    "DIALTONE_FORMER_ISSUERS": ["dialtone,", "dialtone,none", "https://h/"],
    "DIALTONE_SECRETS": ["{", "[]", '{"version": 1}', "[" * 100_000, f'{{"{SECRET}": 1'],
    "DIALTONE_SMS": [
        SECRET, "twilio,twilio", "console,", "https:/h",
        f"http://10.0.0.1/{SECRET}", f"http://localhost.{SECRET}.test",  # HTTP is for this machine
        f"https://{SECRET}@h/", f"https://h/#{SECRET}",  # no credentials and no fragment
        "https:///path", "https://[::1/", f"https://{SECRET}:0/",  # a host and a port
        f"https://h/{SECRET} b", f"https://h/{SECRET}\N{SNOWMAN}",  # printable ASCII
        f"https://h/{SECRET},https://h/{SECRET}",  # each once
    ],
    "DIALTONE_SMS_HOOK_SECRET": [
        f"whsec_{'A' * 31}", f"whsec_{'-' * 32}", "\u00e4" * 32, ",".join(["A" * 32] * 3), SECRET,
    ],
    "DIALTONE_EVENTS": [f"http://h/{SECRET}", SECRET, "our.events:a,our.events:a"],
    "DIALTONE_LOGIN_HOOK": [SECRET, "our.hook:open", "https://a.test,https://b.test"],
    "DIALTONE_ATTESTATION": [SECRET, "altcha,siteverify", "https://a.test"],
    "DIALTONE_ATTESTATION_URL": [f"http://a.test/{SECRET}", f"https://me:{SECRET}@a.test", SECRET],
    "DIALTONE_ATTESTATION_SITE_KEY": [f"{SECRET} x", "a/b", "a" * 201],
    "DIALTONE_ATTESTATION_HOSTNAMES": ["https://a.test", "a.test:443", "a..test", "*"],
    "DIALTONE_APP_NAME": ["a" * 31, "dial.test", "https://dial", "127.0.0.1", "Dr.Dial"],
    "DIALTONE_ANDROID_HASH": ["FA+9qCX9VS", "FA+9qCX9VSuu", "FA-9qCX9VSu"],
    "DIALTONE_WEB_DOMAIN": [
        "https://a.test", "a.test:80", "a", "müller.test", "a..test", "127.0.0.1", "a_b.test",
        "-a.test", "xn--.test", f"{'a.' * 127}test",
    ],
    "DIALTONE_DEFAULT_LOCALE": ["EN", "english", "pt_BR", "pt-br", "in"],
    "DIALTONE_COUNTRIES": ["XX", "IN;US", "IN,,US", SECRET, "*,IN"],
    "DIALTONE_DEFAULT_REGION": ["ZZ", "001", "IN,US"],
    "DIALTONE_TRUSTED_PROXIES": ["10.0.0.1/8", "10.0.0.0/33", "proxy.test", "10.0.0.0/8,None"],
    "DIALTONE_WEB_ORIGINS": [
        "*", "https://*.app.test", "null",  # a whole origin
        "app.test", "https://app.test/", f"https://{SECRET}@app.test",  # a scheme, host and port
        "http://app.test",  # plain HTTP is for this machine
        "https://app.test:0", "https://app.test:65536", "https://app.test:",  # a port
        "https://[::g]", "https://ä.test",  # a host
        "capacitor://app.test", "ionic://localhost:80", "electron://localhost",  # a hybrid app
    ],
    "DIALTONE_SINGLE_HOST": ["true", "1"],
    "DIALTONE_MAX_UPLOAD_SIZE": ["999", "2GB", "20XB", "1.5MB", "9" * 5000, "16\u212aB"],
    "DIALTONE_OPERATOR": ["4155552671", f"+{SECRET}", "+14155552671,+14155552672"],
    "DIALTONE_VOICE": [SECRET, "twilio,none", "sqlite:data"],
    "DIALTONE_TEST_OTPS": [
        "+15005550006", "+15005550006=12345", "15005550006=123456",
        f"+15005550006=123456@{SECRET}", "+15005550006=123456@2027-02-30",
        "+15005550006=123456@9999-12-31", "+1=123456@2027-01-01",
        "+15005550006=123456,+15005550006=654321",
    ],
    "DIALTONE_MEDIA": [
        "var/media", "file:///", "file://var/media", "file:a?b", "file:///a%00b",
        "//exam[]ple/images", "file://\N{ACCOUNT OF}/srv", "s3:bucket", "a-b:c",
        "s3://", "s3://ab", f"s3://{'b' * 64}",  # 3 to 63 characters
        "s3://Abc", "s3://a_c", "s3://-bc", "s3://ab-", "s3://a..c",  # a DNS name in lower case
        "s3://abc:9000", f"s3://user:{SECRET}@abc/a", "S3://abc",  # nothing else
        "s3://abc//", "s3://abc/a//b", "s3://abc/../a",  # names between slashes
        "s3://abc/a b", "s3://abc/ä", "s3://abc/+",  # characters that no client escapes
        "s3://abc/a?b", "s3://abc/a#b", "s3://abc/a%20b",  # no other part of a URL
    ],
    "DIALTONE_MEDIA_VARIANTS": [
        "a", "a:9x0", "a:2049x1", "a:9x9!!", "a:9x9,a:8x8", "full:9x9", "a-b:9x9",
        ",".join(f"a{number}:9x9" for number in range(11)),
    ],
    "AWS_ACCESS_KEY_ID": [f"{SECRET} x", f"{SECRET}/"],
    "AWS_REGION": [f"{SECRET}!", "-eu", "eu-", "eu.west", "e" * 64],
    "TWILIO_ACCOUNT_SID": [f"SK{HEX}", f"AC{HEX}0"],
    "TWILIO_FROM": ["+12", "ACME Läut", "Twelve chars", "555-0006"],
    "TWILIO_VOICE_FROM": ["Acme", "12345", "4155550001", "+0"],
    "VONAGE_APPLICATION_ID": ["a1b2c3d4", "aaaaaaaa-bbbb-cccc-dddd-0123456789ag"],
    "VONAGE_SIGNATURE_SECRET": [SECRET, "x" * 31],
    "VONAGE_FROM": ["+12", "ACME Läut", "Twelve chars", "555-0006", "Acme&Co", "+0123456789"],
    "WHATSAPP_ACCESS_TOKEN": [f"EAA {SECRET}"],
    "WHATSAPP_PHONE_NUMBER_ID": ["+14155550001"],
    "WHATSAPP_BUSINESS_ACCOUNT_ID": [SECRET],
    "WHATSAPP_APP_SECRET": ["0123456789ABCDEF", SECRET],
    "WHATSAPP_VERIFY_TOKEN": [SECRET],
    "WHATSAPP_TEMPLATE": ["Sign in code"],
    "WHATSAPP_TEMPLATE_LANGUAGES": ["en_US,en_US", "pt-BR", "english"],
}  # fmt: skip


@pytest.mark.parametrize("name", only_installed([*INVALID]))
def test_an_invalid_value_is_rejected_and_not_quoted(name: str) -> None:
    for text in INVALID[name]:
        with pytest.raises(InvalidValue) as error:
            FIELDS[name].reader.read(text)
        assert SECRET not in error.value.message
        assert "A" * 20 not in error.value.message
