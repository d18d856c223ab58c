"""The settings that name HTTP hooks, and their secrets."""

from typing import Final

import pytest

from entrypoints.opening import providers
from entrypoints.settings.composition import FIELDS
from entrypoints.settings.read import describe_settings, read_settings
from entrypoints.settings.values import Factory, HttpHook
from tests.support.settings import problems
from tests.unit.entrypoints.settings.texts import SECRET

HOOK: Final = {
    "DIALTONE_SMS": "https://sms.test/send",
    "DIALTONE_SMS_HOOK_SECRET": f"whsec_{'A' * 32}",
    "DIALTONE_COUNTRIES": "US",
}
PRODUCTION: Final = {"DIALTONE_ENV": "production"}
SECRETS: Final = {
    name: secret
    for name, secret in (
        ("DIALTONE_SMS", "DIALTONE_SMS_HOOK_SECRET"),
        ("DIALTONE_EVENTS", "DIALTONE_EVENTS_SECRET"),
        ("DIALTONE_LOGIN_HOOK", "DIALTONE_LOGIN_HOOK_SECRET"),
    )
    if name in FIELDS
}
"""The secret of the hooks that a variable names."""


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


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("url", ["http://[::1]:80/", "HTTP://LOCALHOST/"])
def test_plain_http_is_for_this_machine_in_development_only(name: str, url: str) -> None:
    environ = HOOK | {name: url, SECRETS[name]: HOOK["DIALTONE_SMS_HOOK_SECRET"]}

    read_settings(environ, None)
    assert "https://" in problems(environ | PRODUCTION)[name]
    assert name not in problems(environ | PRODUCTION | {name: "https://sms.test"})


@pytest.mark.parametrize(
    "secrets",
    [("whsec_" + "A" * 32,), ("A" * 32,), ("whsec_" + "+/" * 21 + "8=", "whsec_" + "A" * 43)],
)
def test_a_secret_is_base64_and_may_have_a_successor(secrets: tuple[str, ...]) -> None:
    read = read_settings(HOOK | {"DIALTONE_SMS_HOOK_SECRET": ", ".join(secrets)}, None)

    assert read.sms_hook_secret.value == secrets
    assert secrets[0] not in repr(read)


@pytest.mark.parametrize("name", SECRETS)
def test_a_hook_needs_its_secret_and_what_is_shown_has_no_path_and_no_query(name: str) -> None:
    url, secret = f"https://sms.test:8443/{SECRET}?key={SECRET}", f"whsec_{'A' * 32}"
    read = read_settings(HOOK | {name: url, SECRETS[name]: secret}, None)

    shown = {row.name: row.shown for row in describe_settings(read)}
    assert shown[name] == "https://sms.test:8443"
    assert shown[SECRETS[name]] == "(hidden)"
    assert SECRET not in repr(read)
    missing = problems({name: url, "DIALTONE_COUNTRIES": "US"})
    assert list(missing) == [SECRETS[name]]
