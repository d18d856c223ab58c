"""Valid settings of vendors."""

from typing import Final

from tests.support.servers.fake_vonage import APPLICATION, private_pem

SECRET: Final = "tops3cret"
"""A password in the texts; no message may contain it."""
S3: Final = {
    "DIALTONE_MEDIA": "s3://images",
    "AWS_ACCESS_KEY_ID": "somebody",
    "AWS_SECRET_ACCESS_KEY": f"{SECRET}/{SECRET}",
}
TWILIO: Final = {
    "DIALTONE_PUBLIC_URL": "https://dialtone.example.org",
    "DIALTONE_SMS": "twilio",
    "DIALTONE_COUNTRIES": "IN",
    "TWILIO_ACCOUNT_SID": f"AC{0:032x}",
    "TWILIO_AUTH_TOKEN": SECRET,
    "TWILIO_FROM": "Acme",
}
META: Final = {
    "DIALTONE_WHATSAPP": "meta",
    "WHATSAPP_ACCESS_TOKEN": SECRET,
    "WHATSAPP_PHONE_NUMBER_ID": "106540352242922",
    "WHATSAPP_BUSINESS_ACCOUNT_ID": "102290129340398",
    "WHATSAPP_APP_SECRET": f"{7:032x}",
    "WHATSAPP_VERIFY_TOKEN": f"{SECRET}-{SECRET}",
    "WHATSAPP_TEMPLATE": "sign_in_code",
}
VONAGE: Final = TWILIO | {
    "DIALTONE_SMS": "vonage",
    "VONAGE_APPLICATION_ID": APPLICATION,
    "VONAGE_PRIVATE_KEY": private_pem(),
    "VONAGE_SIGNATURE_SECRET": f"{SECRET}-of-at-least-32-characters",
    "VONAGE_FROM": "Acme",
}
ALL_USED: Final = S3 | META | VONAGE | {"DIALTONE_SMS": "twilio,vonage"}
"""Settings that use all vendors."""
