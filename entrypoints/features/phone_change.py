"""A user gets another phone number, and the former number can undo it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from entrypoints.commands.command import Command


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

    def user_actions(self) -> "Sequence[Command]":
        """Return its actions of `dialtone user`."""
        from entrypoints.commands.phone_change.commands import USER_ACTIONS

        return USER_ACTIONS


PHONE_CHANGE: Final = PhoneChange()
