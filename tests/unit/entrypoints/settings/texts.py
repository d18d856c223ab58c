"""Valid settings of vendors, and which variables there are."""

from collections.abc import Sequence
from typing import Final

from entrypoints.composition.settings import VARIABLES
from tests.support.servers.fake_vonage import APPLICATION, private_pem

SECRET: Final = "tops3cret"
"""A password in the texts; no message may contain it."""


def only_installed(variables: Sequence[str]) -> list[str]:
    """Return the variables whose feature is installed."""
    return [variable for variable in variables if variable in VARIABLES]


def _installed(texts: dict[str, str]) -> dict[str, str]:
    return {name: texts[name] for name in only_installed([*texts])}


S3: Final = _installed(
    {
        "DIALTONE_MEDIA": "s3://images",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": f"{SECRET}/{SECRET}",
    }
)
"""None without the library."""
TWILIO: Final = {
    "DIALTONE_PUBLIC_URL": "https://dialtone.example.org",
    "DIALTONE_SMS": "twilio",
    "DIALTONE_COUNTRIES": "IN",
    "TWILIO_ACCOUNT_SID": f"AC{0:032x}",
    "TWILIO_AUTH_TOKEN": SECRET,
    "TWILIO_FROM": "Acme",
}
META: Final = _installed(
    {
        "DIALTONE_WHATSAPP": "meta",
        "WHATSAPP_ACCESS_TOKEN": SECRET,
        "WHATSAPP_PHONE_NUMBER_ID": "106540352242922",
        "WHATSAPP_BUSINESS_ACCOUNT_ID": "102290129340398",
        "WHATSAPP_APP_SECRET": f"{7:032x}",
        "WHATSAPP_VERIFY_TOKEN": f"{SECRET}-{SECRET}",
        "WHATSAPP_TEMPLATE": "sign_in_code",
    }
)
"""None without WhatsApp."""
VONAGE: Final = TWILIO | {
    "DIALTONE_SMS": "vonage",
    "VONAGE_APPLICATION_ID": APPLICATION,
    "VONAGE_PRIVATE_KEY": private_pem(),
    "VONAGE_SIGNATURE_SECRET": f"{SECRET}-of-at-least-32-characters",
    "VONAGE_FROM": "Acme",
}
ALL_USED: Final = S3 | META | VONAGE | {"DIALTONE_SMS": "twilio,vonage"}
"""Settings that use all vendors."""
