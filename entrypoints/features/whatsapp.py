"""Codes by WhatsApp."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

from adapters.databases.records.features.whatsapp import KINDS, make_whatsapp_repositories
from application.opened import Opened, make_nothing
from application.ports.errors import ConfigurationError, MessengerUnavailable
from application.ports.otp import Messenger
from application.webhook_urls import WebhookUrls
from domain.otp.delivery import Channel
from domain.otp.delivery_policy import Channels
from entrypoints.features.feature import Feature
from entrypoints.parts.factories import handshakes_of, open_adapter, status_callbacks_of
from entrypoints.settings import parsers
from entrypoints.settings.adapter_parsers import one_of
from entrypoints.settings.declaration import setting
from entrypoints.settings.providers import TERMINAL, Provider, prints_codes, provider_name
from entrypoints.settings.readers import HttpUrl
from entrypoints.settings.rules import Check, Problem
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import name_variable
from entrypoints.settings.values import Factory, HttpHook, Secret

if TYPE_CHECKING:
    from application.features.whatsapp import WhatsApp, WhatsAppRecords
    from application.use_cases import UseCases
    from entrypoints.http.additions import HttpAdditions
    from entrypoints.parts.composition import Composition

_setting = partial(setting, vendor="meta")

_parse_id = parsers.pattern(
    r"[0-9]{5,20}", "Must be an id of Meta, digits only, and not the phone number itself."
)
# https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview
_parse_template = parsers.pattern(
    r"[a-z0-9_]{1,512}",
    "Must be the name of a template: lower-case letters, digits and underscores.",
)
_parse_language = parsers.pattern(
    r"[a-z]{2,3}(_[A-Z]{2,3})?", "Must be a language as Meta writes it, such as en, en_US or pt_BR."
)
_parse_token = parsers.pattern(r"[!-~]+", "Must be letters, digits and signs without spaces.")
_parse_app_secret = parsers.pattern(
    r"[0-9a-f]{32}", "Must be the secret of a Meta app: 32 hex digits."
)
_parse_verify_text = parsers.pattern(
    r"[!-~]{16,200}", "Must have 16 to 200 letters, digits and signs without spaces."
)


@dataclass(frozen=True, kw_only=True)
class WhatsAppCloudSettings(Settings):
    """Meta: the account, and the template of codes. They are read if Meta sends messages."""

    whatsapp_access_token: Secret[Annotated[str, _parse_token]] = _setting(
        "Access token of a system user at Meta, required for meta.",
        example="EAAJZCexampleexampleexample",
    )
    whatsapp_phone_number_id: Annotated[str, _parse_id] = _setting(
        "Id of the phone number that messages come from, required for meta.",
        example="106540352242922",
    )
    whatsapp_business_account_id: Annotated[str, _parse_id] = _setting(
        "Id of the WhatsApp Business account, required for meta.", example="102290129340398"
    )
    whatsapp_app_secrets: Secret[tuple[Annotated[str, _parse_app_secret], ...]] = _setting(
        "Secret of the Meta app, which signs webhooks; required for meta; or several.",
        example="0123456789abcdef0123456789abcdef",
        variable="WHATSAPP_APP_SECRET",
    )
    whatsapp_verify_token: Secret[Annotated[str, _parse_verify_text]] = _setting(
        "Text that you enter at Meta beside the webhook's URL; required if DIALTONE_WHATSAPP is "
        "meta.",
        example="$(openssl rand -hex 16)",
    )
    whatsapp_template: Annotated[str, _parse_template] = _setting(
        "Name of the authentication template, required for meta.", example="sign_in_code"
    )
    whatsapp_template_languages: Annotated[
        tuple[str, ...], parsers.list_of(_parse_language, once="language")
    ] = _setting(
        "Languages of the template, as Meta writes them; the first one if no other fits.",
        "en_US",
        example="en_US,pt_BR,es",
    )
    whatsapp_api_base: HttpUrl = _setting(
        "URL of a server that replaces Meta's Graph API, for example in tests.",
        "https://graph.facebook.com",
        example="http://127.0.0.1:9999",
    )


def _open_terminal(_: object) -> "AbstractAsyncContextManager[Messenger]":
    from adapters.messages.terminal import TerminalMessenger

    return nullcontext(TerminalMessenger(sys.stdout, channel="WhatsApp"))


_TERMINAL: Final = replace(TERMINAL, open_messenger=_open_terminal)


def _open_meta_messenger(
    settings: "WhatsAppCloudSettings",
) -> "AbstractAsyncContextManager[Messenger]":
    from adapters.messages.whatsapp_cloud.client import WhatsAppAccount
    from adapters.messages.whatsapp_cloud.messenger import open_whatsapp_messenger

    account = WhatsAppAccount(
        access_token=settings.whatsapp_access_token.value,
        phone_number_id=settings.whatsapp_phone_number_id,
        business_account_id=settings.whatsapp_business_account_id,
        app_secrets=settings.whatsapp_app_secrets.value,
        verify_token=settings.whatsapp_verify_token.value,
        template=settings.whatsapp_template,
        languages=settings.whatsapp_template_languages,
        api_url=settings.whatsapp_api_base,
    )
    return open_whatsapp_messenger(account)


async def _check_meta_messenger(messenger: Any) -> str:
    try:
        await messenger.check()
    except MessengerUnavailable as error:
        raise ConfigurationError(
            f"{error} Check WHATSAPP_ACCESS_TOKEN and WHATSAPP_PHONE_NUMBER_ID, the network and, "
            "if it is set, WHATSAPP_API_BASE."
        ) from None
    note: str = await messenger.check_template()
    return note


META: Final = Provider(
    name="meta",
    open_messenger=_open_meta_messenger,
    check_messenger=_check_meta_messenger,
    required=(
        "WHATSAPP_ACCESS_TOKEN",
        "WHATSAPP_PHONE_NUMBER_ID",
        "WHATSAPP_BUSINESS_ACCOUNT_ID",
        "WHATSAPP_APP_SECRET",
        "WHATSAPP_VERIFY_TOKEN",
        "WHATSAPP_TEMPLATE",
    ),
    api_base="WHATSAPP_API_BASE",
)

WHATSAPP_PROVIDERS: Final[tuple[Provider, ...]] = (_TERMINAL, META)
"""All of them, in the order in which messages for operators name them."""


_NONE: Final = provider_name(None)
_VARIABLE: Final = "DIALTONE_WHATSAPP"
_NAMES: Final = ", ".join(known.name for known in WHATSAPP_PROVIDERS)


@dataclass(frozen=True, kw_only=True)
class WhatsAppSettings(WhatsAppCloudSettings):
    """The provider of codes by WhatsApp."""

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
    from entrypoints.parts.connection_checks import check_own_adapter

    with name_variable(_VARIABLE):
        async with open_whatsapp(whatsapp, settings) as messenger:
            if isinstance(whatsapp, Provider):
                return await whatsapp.check_messenger(messenger)
            return await check_own_adapter(messenger)


class _WhatsApp(Feature["WhatsApp"]):
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

    def http_additions(
        self, settings: Settings, installed: Sequence[Feature[Any]]
    ) -> "Sequence[HttpAdditions]":
        del installed
        from entrypoints.http.features.whatsapp import WhatsAppHttpAdditions

        return (WhatsAppHttpAdditions(is_used=settings.of(WhatsAppSettings).whatsapp is not None),)

    async def open(self, composition: "Composition") -> Opened["WhatsApp | None"]:
        from application.features.whatsapp import WhatsAppRecords

        settings = composition.settings.of(WhatsAppSettings)
        repositories = make_whatsapp_repositories(
            composition.database, composition.phone_encryption
        )
        records = WhatsAppRecords(composition.core_ports, repositories)
        whatsapp = settings.whatsapp
        if whatsapp is not None:
            composition.banner_adapters["whatsapp"] = f"by {provider_name(whatsapp)}"
        if whatsapp is None or "otp" not in composition.opens:
            return Opened(make_nothing, records.additions)
        with name_variable(_VARIABLE):
            messenger = await composition.stack.enter_async_context(
                open_whatsapp(whatsapp, settings)
            )
        return _open_channel(composition, settings, records, messenger, provider_name(whatsapp))


def _open_channel(
    composition: "Composition",
    settings: WhatsAppSettings,
    records: "WhatsAppRecords",
    messenger: Messenger,
    name: str,
) -> Opened["WhatsApp"]:
    """Open the channel, with a provider that is left alone while it does not respond.

    At the end, codes that are being sent have the time that they need.
    """
    from adapters.operations.system import HeldHealthCheck
    from application.features.whatsapp import WhatsAppPorts, open_whatsapp_channel
    from application.operations.check_readiness import CheckedPart
    from entrypoints.parts.providers import fail_over

    messengers = {name: messenger}
    guarded = fail_over(messengers, composition)
    checked = CheckedPart(HeldHealthCheck(guarded), is_of_provider=True)
    has_url = settings.is_set("DIALTONE_PUBLIC_URL")
    opened = open_whatsapp_channel(
        composition.core_ports,
        records,
        WhatsAppPorts(
            messenger=guarded,
            status_callbacks=status_callbacks_of(messengers),
            handshakes=handshakes_of(messengers),
        ),
        composition.codes,
        WebhookUrls(settings.public_url) if has_url else None,
    )

    def make(core: "UseCases") -> "WhatsApp":
        whatsapp = opened.make(core)
        composition.stack.push_async_callback(whatsapp.report_status.finish)
        return whatsapp

    return Opened(make, replace(opened.additions, checked_parts={"whatsapp": checked}))


WHATSAPP: Final = _WhatsApp()
