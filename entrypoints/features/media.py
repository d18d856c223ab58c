"""The library of pictures, with its moderation."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from entrypoints.commands.command import Command


class Media(Feature):
    """The library of pictures, with its moderation."""

    name = "media"
    folders = (
        "domain/media",
        "application/media",
        "application/ports/media.py",
        "adapters/disk",
        "adapters/s3",
        "adapters/pillow",
        "adapters/records/features/media.py",
        "entrypoints/http/library",
        "entrypoints/commands/media",
        "pytest_dialtone/suites/media",
    )

    def commands(self) -> "Sequence[Command]":
        """Return its commands."""
        from entrypoints.commands.media.commands import COMMANDS

        return COMMANDS


MEDIA: Final = Media()
