"""Codes by WhatsApp over HTTP."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Final

import msgspec
from litestar import Controller

from entrypoints.http.core.operations.schemas import ReadinessResponse
from entrypoints.http.core.otp.schemas import CHANNELS_OF_REQUESTS, RequestOtpBody
from entrypoints.http.fields import described
from entrypoints.http.plugin import ApiPlugin

_ABOUT: Final = """\
With the channel `whatsapp` the code goes by WhatsApp, and by SMS if WhatsApp cannot deliver it. A
country may have WhatsApp as its first channel: then a request that names none uses it. After a
message by WhatsApp that failed, the delivery status is that of the SMS.
"""


class RequestByWhatsApp(msgspec.Struct, kw_only=True):
    """The channel of a request, with WhatsApp."""

    channel: Annotated[
        str | None,
        described(
            "How the code is delivered: in a message (`sms`), by WhatsApp (`whatsapp`), or read out"
            " in a call (`voice`). A country may have fewer channels. Without this field, the code"
            " goes by the first message that the country has.",
            "whatsapp",
            enum=CHANNELS_OF_REQUESTS,
        ),
    ] = None


class WhatsAppHealth(msgspec.Struct, kw_only=True):
    """The health of this part."""

    whatsapp: Annotated[
        str | msgspec.UnsetType,
        described("`ok` or `degraded`. Only if codes go by WhatsApp.", "ok"),
    ] = msgspec.UNSET


class WhatsAppPlugin(ApiPlugin):
    """The channel, and the webhook where a provider sends requests about messages."""

    about: Mapping[str, str] = MappingProxyType({"request_otp": _ABOUT})
    fields = MappingProxyType(
        {
            RequestOtpBody: RequestByWhatsApp,
            ReadinessResponse: WhatsAppHealth,
        }
    )
    webhooks: Sequence[str] = ("whatsapp",)

    def __init__(self, *, is_used: bool) -> None:
        self.hidden_controllers: Sequence[type[Controller]] = ()
        if is_used:
            from entrypoints.http.features.whatsapp.controller import WhatsAppController

            self.hidden_controllers = (WhatsAppController,)
