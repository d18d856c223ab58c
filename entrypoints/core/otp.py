"""One-time codes with the providers of their messages."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Final

from application.ports.keys import KeyPurpose
from application.ports.otp import Messenger
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock
from entrypoints.features.feature import Feature
from entrypoints.opening.factories import (
    handshakes_of,
    health_check_of,
    open_adapter,
    status_callbacks_of,
)
from entrypoints.opening.last_writes import write_last
from entrypoints.opening.named_variable import name_variable
from entrypoints.opening.opening import Opening
from entrypoints.opening.providers import Provider, open_hook, provider_name
from entrypoints.settings.rules import Findings, Library
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Factory, HttpHook

if TYPE_CHECKING:
    from adapters.messages.failover import FailoverMessenger


class _Otp(Feature):
    """One-time codes. It needs the limits."""

    name = "otp"
    opens = ("limits",)

    def check(self, settings: Settings) -> Findings:
        """Return the libraries of all providers."""
        libraries = (
            Library("DIALTONE_SMS", provider.extra, provider.name)
            for provider in settings.sms
            if isinstance(provider, Provider) and provider.extra
        )
        return [libraries]

    async def open(self, opening: Opening) -> None:
        """Open the messengers in the order in which they are tried, and load the templates.

        At the end the rejections that wait are written.
        """
        from adapters.operations.system import HeldHealthCheck
        from application.administration.send_code import SendCode
        from application.otp.feature import LimitsFeature, OtpFeature, OtpPorts
        from entrypoints.opening.operator_files import load_sms_templates

        settings, core = opening.settings, opening.use_cases
        templates = load_sms_templates(settings)
        messengers: dict[str, Messenger] = {}
        for provider in settings.sms:
            with name_variable(settings.variable_of("DIALTONE_SMS")):
                messengers[provider_name(provider)] = await opening.stack.enter_async_context(
                    open_messenger(provider, settings)
                )
        status_callbacks = status_callbacks_of(messengers)
        messenger = _fail_over(messengers, opening.system.events, opening.system.clock)
        core.operations.check_readiness.add("messages", HeldHealthCheck(messenger))
        otp = OtpFeature(
            core,
            core.of(LimitsFeature),
            OtpPorts(
                messenger=messenger,
                sms_templates=templates,
                status_callbacks=status_callbacks,
                handshakes=handshakes_of(messengers),
            ),
            opening.keys.key_set(KeyPurpose.OTP_PEPPER),
            settings.otp_policy(are_messages_reported=bool(status_callbacks)),
        )
        core.add(otp)
        core.add(SendCode(act=core.administration.act_for_users, request_otp=otp.request_otp))
        opening.stack.push_async_callback(
            write_last, otp.rejections.write_rest, "rejections_not_written"
        )


def open_messenger(
    provider: Provider | Factory | HttpHook, settings: Settings
) -> AbstractAsyncContextManager[Messenger]:
    """Open one of the messengers that the settings name."""
    if isinstance(provider, Factory):
        environ, variable = settings.variables.values, settings.variable_of("DIALTONE_SMS")
        return open_adapter(provider, variable, Messenger, environ=environ)
    if isinstance(provider, HttpHook):
        return open_hook(provider, settings.sms_hook_secret.value)
    return provider.open_messenger(settings)


def _fail_over(
    messengers: Mapping[str, Messenger], events: SecurityEvents, clock: Clock
) -> "FailoverMessenger":
    from adapters.messages.failover import FailoverMessenger, FailoverProvider
    from application.otp.provider_pause import ProviderPause

    return FailoverMessenger(
        [
            FailoverProvider(name, messenger, ProviderPause(clock, has_other=len(messengers) > 1))
            for name, messenger in messengers.items()
        ],
        events,
        [health_check_of(messenger) for messenger in messengers.values()],
    )


OTP: Final = _Otp()
