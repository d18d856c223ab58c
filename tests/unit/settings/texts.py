"""Valid settings of vendors."""

from typing import Final

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
