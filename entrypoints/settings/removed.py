"""Settings of earlier versions: a start with one of them ends, and says what holds instead."""

from collections.abc import Container, Iterator, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from entrypoints.settings.composition import Composition

_REMOVED: Final[Mapping[str, str]] = {
    "DIALTONE_SMS_LIMIT_PER_PHONE_AND_IP": (
        "One network causes at most 5 messages to a phone in 15 minutes, and 6 a day."
    ),
    "DIALTONE_SMS_LIMIT_TRUSTED_IP": (
        "Each device and each IP of a login has 3 further messages an hour."
    ),
    "DIALTONE_VERIFY_LIMIT_PER_IP": (
        "An IP has ten attempts for each message of DIALTONE_SMS_LIMIT_PER_IP: set that instead."
    ),
    "DIALTONE_FAILED_ATTEMPT_LIMIT_PER_COUNTRY": (
        "It is as high as DIALTONE_SMS_LIMIT_PER_COUNTRY: set that instead."
    ),
    "DIALTONE_FAILED_ATTEMPT_LIMIT_TOTAL": (
        "It is as high as DIALTONE_SMS_LIMIT_TOTAL: set that instead."
    ),
}


def find_removed(names: Container[str], composition: "Composition") -> Iterator[tuple[str, str]]:
    """Yield each name that is no longer a setting, and what holds instead."""
    known = dict(_REMOVED)
    for feature in composition.features:
        known |= feature.removed_variables
    return ((name, instead) for name, instead in known.items() if name in names)


def removed_line(name: str, instead: str) -> str:
    """Return the line about a setting of an earlier version."""
    return f"{name}: This is no longer a setting. Remove it. {instead}"
