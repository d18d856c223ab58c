"""Variables of the services that Dialtone replaces, and what to set instead.

Variables that Dialtone reads under the same name are not here, such as TWILIO_ACCOUNT_SID.
"""

from collections.abc import Container, Iterator, Mapping
from typing import Final

from entrypoints.features import FEATURES

_KEYS: Final = (
    "Create keys by `dialtone keys generate FILE`, and set DIALTONE_SECRETS_FILE=FILE; tokens of "
    "the older service are not accepted."
)
_POSTGRES: Final = "Set DIALTONE_DATABASE=postgresql://user:password@host/name."
_INSTEAD: Final[Mapping[str, str]] = {
    # hookaba-backend
    "MONGO_URI": "Set DIALTONE_DATABASE=mongodb://host/name.",
    "JWT_SECRET_KEY": _KEYS,
    "SECRET_KEY": _KEYS,
    "FLASK_ENV": "Set DIALTONE_ENV=production or DIALTONE_ENV=development.",
    "FLASK_APP": "Start the service by `dialtone run`.",
    "SMS_PROVIDER": "Set DIALTONE_SMS=twilio, or DIALTONE_SMS=console for trying out.",
    "TWILIO_PHONE_NUMBER": "Set TWILIO_FROM.",
    # flaskapp
    "TWILIO_MAIN_PHONE_NUMBER": "Set TWILIO_FROM.",
    "DATABASE_URL": _POSTGRES,
    "POSTGRESQL_PASSWORD": _POSTGRES,
    "SQLALCHEMY_DATABASE_URI": _POSTGRES,
    "OTP_DURATION": "A code is valid for five minutes.",
}


def find_older(names: Container[str]) -> Iterator[tuple[str, str]]:
    """Yield each of the variables that is set, and what to do instead."""
    known = dict(_INSTEAD)
    for feature in FEATURES:
        known |= feature.older_variables
    return ((name, instead) for name, instead in known.items() if name in names)


def older_line(name: str, instead: str) -> str:
    """Return the line about a variable of an older service."""
    return f"{name}: This is not used. {instead}"
