"""The files of an import. Nothing is written there."""

from dataclasses import dataclass
from typing import BinaryIO, Protocol

from application.features.imports.lines import ImportProblem


@dataclass(frozen=True, slots=True)
class Picture:
    """A file that is open for reading, at its beginning, and its size in bytes."""

    file: BinaryIO
    size: int


@dataclass(frozen=True, slots=True)
class UnreadablePicture:
    """Why a file cannot be read."""

    problem: ImportProblem
    message: str = ""


class Pictures(Protocol):
    """The folder with the pictures of an import."""

    async def open(self, path: str, /) -> Picture | UnreadablePicture:
        """Open a file by its path in the folder. The caller closes it.

        No path leads out of the folder, not by a link.
        """
        ...
