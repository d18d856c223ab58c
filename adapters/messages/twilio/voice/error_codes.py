"""What a failed request for a call means, by Twilio's error code."""

from typing import Final

from adapters.messages.twilio.error_codes import (
    ACCOUNT_REASONS,
    INACTIVE,
    NO_SUCH_NUMBER,
    RATE_LIMITED,
    ErrorReasons,
)

# Operators see the reasons. Only those of an invalid number are for the person too: they say what
# to do.
_CALLS_BLOCKED: Final = "Calls to this number are blocked; use another number."
_NO_CALLS: Final = "Calls do not reach this number; use another number."
_NO_CALLS_TO_REGION: Final = "Calls to this number's region are not enabled."
_NO_CALLING: Final = "The call service does not allow calls from this service's number."

CALLS: Final = ErrorReasons(
    service="call",
    no_response="The call service did not confirm that it placed the call.",
    not_confirmed="The call service did not confirm that it placed the call.",
    rejected="The call service rejected the call.",
    invalid_numbers={
        13223: NO_SUCH_NUMBER,
        13224: _NO_CALLS,
        13225: _CALLS_BLOCKED,
        13227: _NO_CALLS_TO_REGION,
        21201: NO_SUCH_NUMBER,
        21211: NO_SUCH_NUMBER,
        21214: _NO_CALLS,
        21215: _NO_CALLS_TO_REGION,
        21216: _CALLS_BLOCKED,
        21217: NO_SUCH_NUMBER,
    },
    account_errors={
        **ACCOUNT_REASONS,
        10004: RATE_LIMITED,
        10005: INACTIVE,
        21210: _NO_CALLING,
        21212: _NO_CALLING,
        21213: _NO_CALLING,
        21219: "The call service is on trial and calls verified numbers only.",
    },
    rejections={},
)
