"""Settings that were removed: setting one is an error, because what it asked for does not hold."""

from collections.abc import Mapping
from typing import Final

_TWO_SECRETS: Final = "Write both secrets in {}, with a comma between."
_SECONDARY: Final = {
    f"{name}_SECONDARY{suffix}": _TWO_SECRETS.format(name)
    for name in ("TWILIO_AUTH_TOKEN", "VONAGE_SIGNATURE_SECRET", "WHATSAPP_APP_SECRET")
    for suffix in ("", "_FILE")
}
_NO_AMOUNTS: Final = (
    "Nothing is counted in money. The end of a bill is the limit of all messages, see "
    "DIALTONE_SMS_LIMIT_ALL_FACTOR, and the cap of your provider, see docs/messages.md."
)
REMOVED: Final[Mapping[str, str]] = {
    **_SECONDARY,  # until 0.4
    "DIALTONE_BUDGET_PER_COUNTRY": _NO_AMOUNTS,  # until 0.4
    "DIALTONE_BUDGET_PER_DAY": _NO_AMOUNTS,  # until 0.4
    "DIALTONE_CALL_FLOW": (  # until 0.4
        "The phone line has one menu, and its texts and words can be replaced: see "
        "DIALTONE_CALL_TEXTS."
    ),
    "DIALTONE_LIMIT_STORE_FILE": (  # until 0.4
        "Write package.module:factory into DIALTONE_LIMIT_STORE: it is no secret. Limits in Redis "
        "were removed."
    ),
    "DIALTONE_PRICES": _NO_AMOUNTS,  # until 0.4
    "DIALTONE_TOLL_FREE_NUMBERS": (  # until 0.4
        "Toll-free numbers get no codes, because fraudsters earn money with calls to them. One for "
        "testing can be in DIALTONE_TEST_OTPS."
    ),
}
"""What holds instead of each variable. A variable stays here for two minor versions."""
