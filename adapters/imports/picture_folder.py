"""The folder with the pictures of an import."""

import asyncio
import os
from pathlib import Path

from adapters.shared.files import open_regular_file
from application.features.imports.import_item import Picture, UnreadablePicture
from application.features.imports.lines import ImportProblem
from application.ports.errors import ConfigurationError


class PictureFolder:
    """Opens files below a folder by their relative path. None leads out of it, not by a link."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def open(self, path: str) -> Picture | UnreadablePicture:
        return await asyncio.to_thread(self._open, path)

    def _open(self, text: str) -> Picture | UnreadablePicture:
        try:
            path = (self._folder / text).resolve()
            if not path.is_relative_to(self._folder):
                return UnreadablePicture(ImportProblem.FILE_OUTSIDE)
            if not path.is_file():
                return UnreadablePicture(ImportProblem.FILE_MISSING)
            file = open_regular_file(path)
            return Picture(file, os.fstat(file.fileno()).st_size)
        except (ValueError, RuntimeError):  # a NUL, half a character, or links in a circle
            return UnreadablePicture(ImportProblem.FILE_MISSING)
        except OSError as error:
            return UnreadablePicture(ImportProblem.FILE_UNREADABLE, f"{error.strerror}.")


def open_picture_folder(folder: Path) -> PictureFolder:
    """Return the folder, which is not written.

    Raises:
        ConfigurationError: It is no folder, or cannot be read.
    """
    try:
        resolved = folder.resolve(strict=True)
        next(resolved.iterdir(), None)
    except OSError as error:
        raise ConfigurationError(
            f"The folder {folder} cannot be read ({error.strerror}): name another folder, or let "
            "this user read it."
        ) from None
    return PictureFolder(resolved)
