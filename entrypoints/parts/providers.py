"""Open what the settings name for messages: providers, hooks and factories, several as one."""

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from application.ports.otp import Messenger
from entrypoints.parts.extras import check_extra
from entrypoints.parts.factories import health_check_of, open_adapter
from entrypoints.settings.providers import Provider
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Factory, HttpHook

if TYPE_CHECKING:
    from adapters.messages.http_hook import HookMessenger
    from application.otp.failover import FailoverMessenger, ProviderPause
    from entrypoints.parts.composition import Composition


def open_hook(
    hook: HttpHook, secrets: Sequence[str]
) -> "AbstractAsyncContextManager[HookMessenger]":
    """Open the messenger of a hook until the block ends."""
    from adapters.messages.http_hook import open_hook_messenger

    return open_hook_messenger(hook.name, hook.url, secrets)


def open_messenger(
    provider: Provider | Factory | HttpHook, settings: Settings
) -> AbstractAsyncContextManager[Messenger]:
    """Open one of the messengers that the settings name."""
    if isinstance(provider, Factory):
        environ, variable = settings.variables.values, settings.variable_of("DIALTONE_SMS")
        return open_adapter(provider, variable, Messenger, environ=environ)
    if isinstance(provider, HttpHook):
        return open_hook(provider, settings.sms_hook_secret.value)
    if provider.extra:
        check_extra(provider.extra, provider.name)
    return provider.open_messenger(settings)


def fail_over(
    messengers: Mapping[str, Messenger], composition: "Composition"
) -> "FailoverMessenger":
    """Return messengers of one channel as one."""
    from application.otp.failover import FailoverMessenger, FailoverProvider

    has_other = len(messengers) > 1
    return FailoverMessenger(
        [
            FailoverProvider(name, messenger, make_pause(composition, name, has_other=has_other))
            for name, messenger in messengers.items()
        ],
        composition.system.events,
        time.monotonic,
        [health_check_of(messenger) for messenger in messengers.values()],
    )


def make_pause(
    composition: "Composition", name: str, *, has_other: bool = False
) -> "ProviderPause":
    """Return the pause of a provider, which the metrics show."""
    from application.otp.failover import ProviderPause

    pause = ProviderPause(composition.system.clock, has_other, name)
    if composition.metrics is not None:
        from adapters.operations.metrics.providers import PauseGauge

        pause.show = PauseGauge(composition.metrics, name)
    return pause
