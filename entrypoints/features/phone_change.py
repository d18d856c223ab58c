"""A user gets another phone number, and the former number can undo it."""

from typing import Final

from entrypoints.features.feature import Feature


class PhoneChange(Feature):
    """A user gets another phone number, and the former number can undo it."""

    name = "phone_change"
    folders = (
        "application/phone_change",
        "application/ports/phone_change.py",
        "adapters/records/features/phone_change.py",
        "entrypoints/http/phone_change",
        "entrypoints/commands/phone_change",
    )


PHONE_CHANGE: Final = PhoneChange()
