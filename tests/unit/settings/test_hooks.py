"""`DIALTONE_SMS` with HTTP hooks, and their secret."""

from typing import Final

import pytest

from entrypoints.opening import providers
from entrypoints.settings.read import describe_settings, read_settings
from entrypoints.settings.values import Factory, HttpHook
from tests.support.settings import problems
from tests.unit.settings.texts import SECRET

HOOK: Final = {
    "DIALTONE_SMS": "https://sms.test/send",
    "DIALTONE_SMS_HOOK_SECRET": f"whsec_{'A' * 32}",
    "DIALTONE_COUNTRIES": "US",
}
PRODUCTION: Final = {"DIALTONE_ENV": "production"}


def test_hooks_are_tried_beside_others_and_in_order() -> None:
    urls = ["https://SMS.test/a", "https://sms.test/b?c", "http://localhost:8080"]
    text = f"{urls[0]}, my.package:factory,{urls[1]} ,console,{urls[2]}"

    assert read_settings(HOOK | {"DIALTONE_SMS": text}, None).sms == (
        HttpHook(urls[0], "https://sms.test"),
        Factory("my.package:factory"),
        HttpHook(urls[1], "https://sms.test (2)"),
        providers.TERMINAL,
        HttpHook(urls[2], "http://localhost:8080"),
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/", "http://localhost.sms.test/",  # plain HTTP is for this machine
        "https://user@sms.test/", "https://sms.test/#part",  # no credentials and no fragment
        "https:///path", "http:sms", "https://[::1/", "https://sms.test:0/",  # a host and a port
        "https://sms.test/a b", "https://sms.test/\N{SNOWMAN}",  # printable ASCII
        "https://sms.test/a,https://sms.test/a",  # each once
    ],
)  # fmt: skip
def test_an_invalid_url_of_a_hook_is_an_error_without_the_url(url: str) -> None:
    lines = problems(HOOK | {"DIALTONE_SMS": url})

    assert list(lines) == ["DIALTONE_SMS"]
    assert "sms.test" not in lines["DIALTONE_SMS"]


@pytest.mark.parametrize("url", ["http://[::1]:80/", "HTTP://LOCALHOST/"])
def test_plain_http_is_for_this_machine_in_development_only(url: str) -> None:
    environ = HOOK | {"DIALTONE_SMS": url}

    assert read_settings(environ, None).sms_hooks[0].url == url
    assert "https://" in problems(environ | PRODUCTION)["DIALTONE_SMS"]
    assert "DIALTONE_SMS" not in problems(HOOK | PRODUCTION)


@pytest.mark.parametrize(
    "secrets",
    [("whsec_" + "A" * 32,), ("A" * 32,), ("whsec_" + "+/" * 21 + "8=", "whsec_" + "A" * 43)],
)
def test_a_secret_is_base64_and_may_have_a_successor(secrets: tuple[str, ...]) -> None:
    read = read_settings(HOOK | {"DIALTONE_SMS_HOOK_SECRET": ", ".join(secrets)}, None)

    assert read.sms_hook_secret.value == secrets
    assert secrets[0] not in repr(read)


@pytest.mark.parametrize(
    "text",
    [
        "whsec_" + "A" * 31, "whsec_" + "A" * 33, "whsec_" + "-" * 32, "\u00e4" * 32,
        ",".join(["whsec_" + "A" * 32] * 3),
    ],
)  # fmt: skip
def test_a_short_or_malformed_secret_is_an_error_without_it(text: str) -> None:
    lines = problems(HOOK | {"DIALTONE_SMS_HOOK_SECRET": text})

    assert list(lines) == ["DIALTONE_SMS_HOOK_SECRET"]
    assert "Base64 of at least 24 random bytes" in lines["DIALTONE_SMS_HOOK_SECRET"]
    encoded = text.removeprefix("whsec_")
    assert not encoded or encoded not in lines["DIALTONE_SMS_HOOK_SECRET"]


def test_what_is_shown_of_a_hook_has_no_path_and_no_query() -> None:
    url = f"https://sms.test:8443/{SECRET}?key={SECRET}"
    read = read_settings(HOOK | {"DIALTONE_SMS": f"console,{url}"}, None)

    shown = {row.name: row.shown for row in describe_settings(read)}
    assert shown["DIALTONE_SMS"] == "console,https://sms.test:8443"
    assert shown["DIALTONE_SMS_HOOK_SECRET"] == "(hidden)"
    assert SECRET not in repr(read.sms)
    missing = problems({"DIALTONE_SMS": url})
    assert list(missing) == ["DIALTONE_SMS_HOOK_SECRET", "DIALTONE_COUNTRIES"]
