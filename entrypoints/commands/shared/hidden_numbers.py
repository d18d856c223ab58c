"""The terminal messenger in the terminal of an operator, who must not see full numbers."""

from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace

from application.ports.otp import DeliveryResult, DeliveryStatus, Messenger, TextMessage
from domain.phone import PhoneNumber
from entrypoints.settings.providers import Provider, prints_codes
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import print_errors
from entrypoints.settings.values import Factory, HttpHook


class _HiddenNumbers:
    """Prints messages without a code to stderr, and the phone masked."""

    async def send(self, phone: PhoneNumber, message: TextMessage) -> DeliveryResult:
        print_errors(f"To {phone.masked}: {message.text}")
        return DeliveryResult(DeliveryStatus.ACCEPTED)


def hide_numbers(settings: Settings) -> Settings:
    """Return the settings with messengers that print no number, for messages without a code."""

    def open_messenger(_: object) -> AbstractAsyncContextManager[Messenger]:
        return nullcontext(_HiddenNumbers())

    def hide(provider: Provider | Factory | HttpHook) -> Provider | Factory | HttpHook:
        if not isinstance(provider, Provider) or not prints_codes(provider):
            return provider
        return replace(provider, open_messenger=open_messenger)

    return replace(settings, sms=tuple(map(hide, settings.sms)))
