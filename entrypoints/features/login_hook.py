"""The login hook, which decides about each login."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from application.additions import Additions
from application.opened import NOTHING, Opened, make_nothing
from application.ports.errors import ConfigurationError
from entrypoints.features.feature import Feature
from entrypoints.settings.declaration import setting
from entrypoints.settings.readers import HookSecrets
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import name_variable
from entrypoints.settings.values import HttpHook

if TYPE_CHECKING:
    from adapters.hooks.login_hook import HttpLoginHook
    from application.features.login_hook import LoginHook
    from entrypoints.http.additions import HttpAdditions
    from entrypoints.parts.composition import Composition
    from entrypoints.settings.rules import Check

_VARIABLE: Final = "DIALTONE_LOGIN_HOOK"


@dataclass(frozen=True, kw_only=True)
class LoginHookSettings(Settings):
    """The hook that decides about each login."""

    login_hook: HttpHook | None = setting(
        "URL of your hook that decides about each login with a right code: https://….",
        example="https://login.example.org",
        signed_with="DIALTONE_LOGIN_HOOK_SECRET",
    )
    login_hook_secret: HookSecrets = setting(
        "Secret that signs these requests; required if DIALTONE_LOGIN_HOOK is set."
    )
    login_hook_has_phone: bool = setting(
        "yes sends the phone number of each login to DIALTONE_LOGIN_HOOK.",
        "no",
        variable="DIALTONE_LOGIN_HOOK_PHONE",
    )


def _open_hook(
    hook: HttpHook, settings: LoginHookSettings
) -> AbstractAsyncContextManager["HttpLoginHook"]:
    from adapters.hooks.login_hook import open_http_login_hook

    return open_http_login_hook(hook.name, hook.url, settings.login_hook_secret.value)


async def _check_connection(hook: HttpHook, settings: LoginHookSettings) -> str:
    from application.features.login_hook import LoginHookFailed

    with name_variable(settings.variable_of(_VARIABLE)):
        async with _open_hook(hook, settings) as opened:
            try:
                decision = await opened.check()
            except LoginHookFailed as error:
                raise ConfigurationError(
                    f"{error}: check the URL, the secret of the hook, and its log."
                ) from None
    return f"it answered a question of the type login.test with {decision}"


class _LoginHook(Feature[None]):
    name = "login_hook"
    adapters = ("hooks/login_hook.py",)
    settings = LoginHookSettings

    def trials(self, settings: Settings) -> "Mapping[str, Check]":
        of_hook = settings.of(LoginHookSettings)
        if of_hook.login_hook is None:
            return {}
        return {"login hook": partial(_check_connection, of_hook.login_hook, of_hook)}

    def http_additions(self, *_: object) -> "Sequence[HttpAdditions]":
        from entrypoints.http.features.login_hook import LoginHookHttpAdditions

        return (LoginHookHttpAdditions(),)

    async def open(self, composition: "Composition") -> Opened[None]:
        from application.features.login_hook import AskLoginHook

        settings = composition.settings.of(LoginHookSettings)
        hook: LoginHook | None = None
        if settings.login_hook is not None:
            with name_variable(settings.variable_of(_VARIABLE)):
                hook = await composition.stack.enter_async_context(
                    _open_hook(settings.login_hook, settings)
                )
        if composition.metrics is not None:
            from adapters.operations.metrics.features.login_hook import (
                MeasuredLoginHook,
                declare_login_hook_duration,
            )

            duration = declare_login_hook_duration(composition.metrics)
            hook = hook and MeasuredLoginHook(hook, duration)
        if hook is None:
            return NOTHING
        core_ports, has_phone = composition.core_ports, settings.login_hook_has_phone
        ask = AskLoginHook(hook, core_ports.keyed_hashes, core_ports.system.clock, has_phone)
        return Opened(make_nothing, Additions(login_hook=ask))


LOGIN_HOOK: Final = _LoginHook()
