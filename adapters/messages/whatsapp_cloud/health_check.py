"""Whether the account and the templates at Meta work."""

from collections.abc import Callable, Iterator
from typing import Final

from adapters.messages.whatsapp_cloud.client import REQUEST_ERRORS, Template, WhatsAppClient
from adapters.messages.whatsapp_cloud.error_codes import NO_RESPONSE, to_result
from adapters.shared.account_health_check import AccountHealthCheck
from adapters.shared.http import ConnectionFailed
from application.ports.errors import ConfigurationError
from domain.otp.challenge import OTP_TTL

NOBODY_TTL: Final = 600.0
"""Seconds for which the health check fails after an error with which no user gets messages."""


class WhatsAppHealthCheck(AccountHealthCheck):
    """Check that Meta responds, accepts the access token and knows the number.

    The request is free of charge. An app has 200 requests an hour for an account without a
    registered number, 5,000 otherwise, and each process keeps its own results:
    https://developers.facebook.com/documentation/business-messaging/whatsapp/about-the-platform
    """

    success_ttl = 300.0
    failure_ttl = 30.0

    def __init__(self, client: WhatsAppClient, now: Callable[[], float]) -> None:
        super().__init__(now, NO_RESPONSE)
        self._client = client

    def fail(self, reason: str) -> None:
        """Fail for ten minutes: only the request of a message shows this error."""
        self._failure, self._expires_at = reason, self._now() + NOBODY_TTL

    async def _find_failure(self) -> str | None:
        try:
            await self._client.check_phone_number()
        except ConnectionFailed as error:
            return f"{to_result(error).reason} ({error.reason})"
        except REQUEST_ERRORS as error:
            return to_result(error).full_reason
        return None


_APPROVED: Final = "APPROVED"
_AUTHENTICATION: Final = "AUTHENTICATION"
# A button is created as `otp`, and is a `URL` from then on:
# https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/authentication-templates/copy-code-button-authentication-templates
_CODE_BUTTONS: Final = ("URL", "OTP")
_MAX_SECONDS: Final = int(OTP_TTL.total_seconds())
_WITHOUT_APP: Final = (
    "no app is subscribed to the webhooks of the business account, so no failure is reported: see "
    "docs/messages.md"
)


async def check_template(client: WhatsAppClient) -> str:
    """Return a note or an empty text if each language of the template can be sent.

    Raises:
        ConfigurationError: one cannot; the text has all problems, each with the way out.
    """
    account = client.account
    try:
        found = await client.list_templates()
        has_app = await client.has_subscribed_app()
    except REQUEST_ERRORS as error:
        raise ConfigurationError(
            "Meta knows the phone number, but did not list the templates: "
            f"{to_result(error).full_reason} Check WHATSAPP_BUSINESS_ACCOUNT_ID, and that the "
            "access token has the permission whatsapp_business_management."
        ) from None
    problems = [
        f"The template {account.template} in {language} {problem}"
        for language in account.languages
        for problem in _find_problems(found.get(language))
    ]
    if problems:
        raise ConfigurationError(" ".join(problems))
    return "" if has_app else _WITHOUT_APP


def _find_problems(template: Template | None) -> Iterator[str]:
    if template is None:
        yield (
            "does not exist: create it, or change WHATSAPP_TEMPLATE or WHATSAPP_TEMPLATE_LANGUAGES."
        )
        return
    if template.status.upper() != _APPROVED:
        status = template.status.upper() or "unknown"
        yield f"has the status {status}: it must be approved; see WhatsApp Manager."
    if template.category.upper() != _AUTHENTICATION:
        category = template.category.upper() or "unknown"
        yield f"has the category {category}: create one with the category AUTHENTICATION."
        return
    components = {each.type.upper(): each for each in template.components or ()}
    buttons = components["BUTTONS"].buttons if "BUTTONS" in components else None
    if not buttons or buttons[0].type.upper() not in _CODE_BUTTONS:
        yield "has no button for the code: create it with a button of the type otp."
    seconds = template.message_send_ttl_seconds
    if seconds is None or not 0 < seconds <= _MAX_SECONDS:
        time = {None: "Meta's default time", -1: "30 days"}.get(seconds, f"{seconds} s")
        yield (
            f"may be delivered for {time}, and codes are valid for {_MAX_SECONDS} s: set its "
            f"message_send_ttl_seconds to at most {_MAX_SECONDS}."
        )
    minutes = components["FOOTER"].code_expiration_minutes if "FOOTER" in components else None
    if minutes is not None and minutes * 60 > _MAX_SECONDS:
        yield (
            f"says that codes are valid for {minutes} minutes: set its code_expiration_minutes to "
            f"at most {_MAX_SECONDS // 60}, or leave it out."
        )
