"""Why an act was not done, where several of `dialtone`, the console and the API say the same."""

from typing import Final

NO_ACCOUNT: Final = "This phone has no account."
ACCOUNT_DELETED: Final = "This account was deleted."
HAS_TEST_OTP: Final = (
    "This phone is in DIALTONE_TEST_OTPS, so anybody who used its code, also before its last day "
    "was over, would have the role. Remove it there, revoke its sessions (dialtone user sign-out), "
    "and try again."
)
LIMITS_RESET_TWICE: Final = "The limits of this phone were reset twice within a day."


def explain_lost_phone(remedy: str) -> str:
    """Say that an account lost its phone, and what to do."""
    return f"The phone number of this account belongs to somebody else now: {remedy}"
