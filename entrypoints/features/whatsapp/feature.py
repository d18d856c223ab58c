"""Codes by WhatsApp."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

from adapters.databases.records.features.whatsapp import KINDS
from application.ports.keys import KeyPurpose
from application.ports.otp import Messenger
from application.webhook_urls import WebhookUrls
from domain.otp.channel_order import Channels
from domain.otp.delivery import Channel
from entrypoints.features.feature import Feature
from entrypoints.features.whatsapp.cloud_settings import WhatsAppCloudSettings
from entrypoints.features.whatsapp.providers import WHATSAPP_PROVIDERS
from entrypoints.opening.factories import (
    handshakes_of,
    open_adapter,
    status_callbacks_of,
)
from entrypoints.opening.named_variable import name_variable
from entrypoints.settings.adapter_parsers import one_of
from entrypoints.settings.declaration import setting
from entrypoints.settings.providers import Provider, prints_codes, provider_name
from entrypoints.settings.rules import Problem
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Factory, HttpHook

if TYPE_CHECKING:
    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.opening.opening import Opening
    from entrypoints.settings.rules import Check

_NONE: Final = provider_name(None)
_VARIABLE: Final = "DIALTONE_WHATSAPP"
_NAMES: Final = ", ".join(known.name for known in WHATSAPP_PROVIDERS)


@dataclass(frozen=True, kw_only=True)
class WhatsAppSettings(WhatsAppCloudSettings):
    """Who sends codes by WhatsApp."""

    whatsapp: Annotated[
        Provider | Factory | None,
        one_of({known.name: known for known in WHATSAPP_PROVIDERS} | {_NONE: None}),
    ] = setting(
        f"Provider of codes by WhatsApp: {_NAMES}, package.module:factory, or none.",
        _NONE,
        example="meta",
        names="providers",
    )

    @property
    def provided_channels(self) -> Channels:
        """The channels that have a provider. Without a setting, WhatsApp comes after the SMS."""
        sms, *others = super().provided_channels
        return (sms, *others) if self.whatsapp is None else (sms, Channel.WHATSAPP, *others)

    @property
    def providers(self) -> tuple[Provider | Factory | HttpHook, ...]:
        return super().providers if self.whatsapp is None else (*super().providers, self.whatsapp)


def _check_provider(
    whatsapp: Provider | Factory | None, is_set: Callable[[str], bool]
) -> Iterator[Problem]:
    has_url = is_set("DIALTONE_PUBLIC_URL")
    if whatsapp is not None and not prints_codes(whatsapp) and not has_url:
        text = f"Must be set if {_VARIABLE} is {whatsapp}, which posts statuses here."
        yield Problem("DIALTONE_PUBLIC_URL", text)


def open_whatsapp(
    whatsapp: Provider | Factory, settings: Settings
) -> AbstractAsyncContextManager[Messenger]:
    """Open the messenger of a provider until the block ends."""
    if isinstance(whatsapp, Factory):
        environ = settings.variables.values
        return open_adapter(whatsapp, _VARIABLE, Messenger, environ=environ)
    return whatsapp.open_messenger(settings)


async def _check_connection(whatsapp: Provider | Factory, settings: WhatsAppSettings) -> str:
    from entrypoints.commands.shared.connection_checks import check_own_adapter

    with name_variable(_VARIABLE):
        async with open_whatsapp(whatsapp, settings) as messenger:
            if isinstance(whatsapp, Provider):
                return await whatsapp.check_messenger(messenger)
            return await check_own_adapter(messenger)


class _WhatsApp(Feature):
    name = "whatsapp"
    adapters = ("messages/whatsapp_cloud",)
    kinds = KINDS
    settings = WhatsAppSettings
    rules = (_check_provider,)

    def trials(self, settings: Settings) -> "Mapping[str, Check]":
        of_whatsapp = settings.of(WhatsAppSettings)
        if of_whatsapp.whatsapp is None:
            return {}
        return {"whatsapp": partial(_check_connection, of_whatsapp.whatsapp, of_whatsapp)}

    def plugins(self, settings: Settings, installed: Sequence[Feature]) -> "Sequence[ApiPlugin]":
        del installed
        from entrypoints.http.features.whatsapp.plugin import WhatsAppPlugin

        return (WhatsAppPlugin(is_used=settings.of(WhatsAppSettings).whatsapp is not None),)

    async def open(self, opening: "Opening") -> None:
        """At the end, let codes that are being sent have the time that they need."""
        from adapters.databases.records.features.whatsapp import make_whatsapp_repositories
        from application.features.whatsapp.feature import WhatsAppRecordsFeature
        from application.otp.feature import OtpUseCases

        core, settings = opening.use_cases, opening.settings.of(WhatsAppSettings)
        repositories = make_whatsapp_repositories(opening.database, opening.phone_encryption)
        records = WhatsAppRecordsFeature(core, repositories)
        core.add(records)
        whatsapp = settings.whatsapp
        if whatsapp is not None:
            opening.banner_adapters["whatsapp"] = f"by {provider_name(whatsapp)}"
        if whatsapp is None or core.find(OtpUseCases) is None:
            return
        with name_variable(_VARIABLE):
            messenger = await opening.stack.enter_async_context(open_whatsapp(whatsapp, settings))
        _add_channel(opening, settings, messenger, provider_name(whatsapp))


def _add_channel(
    opening: "Opening", settings: WhatsAppSettings, messenger: Messenger, name: str
) -> None:
    """Add the use cases, with a provider that is left alone while it does not respond."""
    from adapters.operations.system import HeldHealthCheck
    from application.features.whatsapp.feature import (
        WhatsAppFeature,
        WhatsAppPorts,
        WhatsAppRecordsFeature,
    )
    from application.otp_codes import OtpCodes
    from entrypoints.opening.providers import fail_over

    core, messengers = opening.use_cases, {name: messenger}
    guarded = fail_over(messengers, opening)
    core.operations.check_readiness.add("whatsapp", HeldHealthCheck(guarded), is_of_provider=True)
    has_url = settings.is_set("DIALTONE_PUBLIC_URL")
    feature = WhatsAppFeature(
        core,
        core.of(WhatsAppRecordsFeature),
        WhatsAppPorts(
            messenger=guarded,
            status_callbacks=status_callbacks_of(messengers),
            handshakes=handshakes_of(messengers),
        ),
        OtpCodes(
            opening.keys.key_set(KeyPurpose.OTP_PEPPER),
            settings.test_otps.value,
            settings.otp_length,
        ),
        WebhookUrls(settings.public_url) if has_url else None,
    )
    core.add(feature)
    opening.stack.push_async_callback(feature.report_status.finish)


WHATSAPP: Final = _WhatsApp()
