"""`DIALTONE_LOGIN_HOOK` and its secrets."""

from typing import Final

from entrypoints.features.login_hook import LoginHookSettings
from entrypoints.settings.read import read_settings
from entrypoints.settings.values import HttpHook
from tests.unit.entrypoints.settings.texts import SECRET

URL: Final = f"https://backend.test/{SECRET}?key={SECRET}"
HOOK: Final = {
    "DIALTONE_LOGIN_HOOK": URL,
    "DIALTONE_LOGIN_HOOK_SECRET": f"whsec_{'A' * 32},whsec_{'B' * 32}",
}


def test_it_is_the_url_of_a_hook() -> None:
    environ = HOOK | {"DIALTONE_LOGIN_HOOK_PHONE": "yes"}
    of_hook = read_settings(environ, None).of(LoginHookSettings)

    assert of_hook.login_hook == HttpHook(URL, "https://backend.test")
    assert len(of_hook.login_hook_secret.value) == 2
    assert of_hook.login_hook_has_phone
    off = read_settings({}, None).of(LoginHookSettings)
    assert (off.login_hook, off.login_hook_has_phone) == (None, False)
