"""The providers of calls that ship with Dialtone: one row each."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from entrypoints.parts.extras import check_extra
from entrypoints.settings.providers import TWILIO, Provider, TwilioSettings

if TYPE_CHECKING:
    from application.features.voice.call_urls import CallUrls
    from application.features.voice.ports import Recordings, VoicePorts


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneProvider:
    """A provider that places and answers calls. Its functions take all settings, see `Provider`.

    Attributes:
        provider: The provider of messages that it is too; it has the account.
        open_recordings: Opens the recordings alone, for a service without a phone line.
        check_voice: Returns a note or an empty text if calls can be placed and come here. Raises
            ConfigurationError.
        place_of_urls: Where an operator enters the URLs.
    """

    provider: Provider
    title: str
    open_voice: "Callable[[Any], AbstractAsyncContextManager[VoicePorts]]"
    open_recordings: "Callable[[Any], AbstractAsyncContextManager[Recordings]]"
    check_voice: "Callable[[Any, CallUrls], Awaitable[str]]"
    place_of_urls: str

    @property
    def name(self) -> str:
        """Its name in `DIALTONE_VOICE`."""
        return self.provider.name


@asynccontextmanager
async def _open_twilio_voice(settings: "TwilioSettings") -> "AsyncIterator[VoicePorts]":
    check_extra(TWILIO.extra, TWILIO.name)
    from adapters.messages.twilio.signatures import TwilioSignatures
    from adapters.messages.twilio.voice.markup import TwimlMarkup
    from adapters.messages.twilio.voice.webhook_parser import TwilioWebhookParser
    from application.features.voice.ports import VoicePorts

    auth_tokens = settings.twilio_auth_tokens.value
    signatures = TwilioSignatures(settings.twilio_account_sid, *auth_tokens)
    async with _open_twilio_calls(settings) as calls:
        yield VoicePorts(calls, signatures, TwilioWebhookParser(), TwimlMarkup())


def _open_twilio_calls(settings: Any) -> AbstractAsyncContextManager[Any]:
    check_extra(TWILIO.extra, TWILIO.name)
    from adapters.messages.twilio.voice.calls import open_twilio_calls

    return open_twilio_calls(
        settings.twilio_account_sid,
        settings.twilio_auth_tokens.value[0],
        caller_id=settings.twilio_caller_id,
        api_base=settings.twilio_api_base,
    )


def caller_id_of(voice_from: str, sender: str) -> str:
    """Return the number that calls come from at Twilio, empty if there is none."""
    return voice_from or (sender if sender.startswith("+") else "")


async def _check_twilio_calls(calls: Any, urls: "CallUrls") -> str:
    note: str = await calls.check_caller_id(urls.voice(), urls.call_status())
    return note


TWILIO_CALLS: Final = PhoneProvider(
    provider=TWILIO,
    title="Twilio",
    open_voice=_open_twilio_voice,
    open_recordings=_open_twilio_calls,
    check_voice=_check_twilio_calls,
    place_of_urls=(
        "Console of Twilio, Phone Numbers, Manage, Active numbers, the number that calls come "
        "from, Voice Configuration:"
    ),
)

PHONE_PROVIDERS: Final[tuple[PhoneProvider, ...]] = (TWILIO_CALLS,)
"""All of them, in the order in which messages for operators name them."""
