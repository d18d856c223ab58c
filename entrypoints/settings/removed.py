"""Settings that were removed: setting one is an error, because what it asked for does not hold."""

from collections.abc import Mapping
from typing import Final

_TWO_SECRETS: Final = "Write both secrets in {}, with a comma between."
_SECONDARY: Final = {
    f"{name}_SECONDARY{suffix}": _TWO_SECRETS.format(name)
    for name in ("TWILIO_AUTH_TOKEN", "VONAGE_SIGNATURE_SECRET", "WHATSAPP_APP_SECRET")
    for suffix in ("", "_FILE")
}
REMOVED: Final[Mapping[str, str]] = {
    **_SECONDARY,  # until 0.4
    "DIALTONE_CALL_FLOW": "The phone line has one menu, and its texts and words can be replaced: "
    "see DIALTONE_CALL_TEXTS.",  # until 0.4
}
"""What holds instead of each variable. A variable stays here for two minor versions."""
