"""Why an act was not done, where several of `dialtone`, the console and the API say the same."""

from typing import Final

from domain.errors import DeliveryFailed, PhoneUnreachable

NO_ACCOUNT: Final = "This phone has no account."
ACCOUNT_DELETED: Final = "This account was deleted."
LIMITS_RESET_TWICE: Final = "The limits of this phone were reset twice within a day."
THREE_CODES_SENT: Final = "operators sent three codes to this phone within a day."
LIMIT_REACHED: Final = "Nothing was sent, because a limit is reached"


def explain_lost_phone(remedy: str) -> str:
    """Say that an account lost its phone, and what to do."""
    return f"The phone number of this account belongs to somebody else now: {remedy}"


def explain_delivery_failure(error: DeliveryFailed) -> str:
    """Say that no provider took a message, and why if that is known."""
    reason = f": {error.message.rstrip('.')}" if error.message else ""
    return f"No provider took the message{reason}."


def explain_unreachable(error: PhoneUnreachable) -> str:
    """Say that no message can reach a phone."""
    return error.message or "The provider says that no message can reach this phone."
