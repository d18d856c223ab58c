"""`DIALTONE_LOGIN_HOOK`, its secret, and what is shown of it."""

from typing import Final

import pytest

from entrypoints.features.login_hook import LoginHookSettings
from entrypoints.settings.read import describe_settings, read_settings
from entrypoints.settings.values import HttpHook
from tests.support.settings import problems
from tests.unit.settings.texts import SECRET

URL: Final = f"https://backend.test/{SECRET}?key={SECRET}"
HOOK: Final = {
    "DIALTONE_LOGIN_HOOK": URL,
    "DIALTONE_LOGIN_HOOK_SECRET": f"whsec_{'A' * 32},whsec_{'B' * 32}",
}


def test_it_is_the_url_of_a_hook_whose_path_is_not_shown() -> None:
    settings = read_settings(HOOK | {"DIALTONE_LOGIN_HOOK_PHONE": "yes"}, None)
    of_hook = settings.of(LoginHookSettings)

    assert of_hook.login_hook == HttpHook(URL, "https://backend.test")
    assert len(of_hook.login_hook_secret.value) == 2
    assert of_hook.login_hook_has_phone
    shown = {row.name: row.shown for row in describe_settings(settings)}
    assert shown["DIALTONE_LOGIN_HOOK"] == "https://backend.test"
    assert shown["DIALTONE_LOGIN_HOOK_SECRET"] == "(hidden)"
    off = read_settings({}, None).of(LoginHookSettings)
    assert (off.login_hook, off.login_hook_has_phone) == (None, False)


@pytest.mark.parametrize(
    "text", ["yes", "our.hook:open", "http://example.org/login", f"{URL},{URL}"]
)
def test_anything_else_is_an_error(text: str) -> None:
    assert list(problems({"DIALTONE_LOGIN_HOOK": text})) == ["DIALTONE_LOGIN_HOOK"]


def test_it_needs_its_secret_and_https_in_production() -> None:
    assert list(problems({"DIALTONE_LOGIN_HOOK": URL})) == ["DIALTONE_LOGIN_HOOK_SECRET"]
    local = HOOK | {"DIALTONE_LOGIN_HOOK": "http://127.0.0.1:1/", "DIALTONE_ENV": "production"}
    assert "https://" in problems(local)["DIALTONE_LOGIN_HOOK"]
