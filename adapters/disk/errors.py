"""What goes wrong with a folder: at open for the operator, afterwards for the log."""

import errno
from pathlib import Path
from typing import Final

from application.ports.errors import ConfigurationError, MediaStorageUnavailable

_CAUSES: Final = {
    "ENOSPC": "the disk is full",
    "EDQUOT": "the disk quota is spent",
    "EROFS": "the folder is read-only",
    "EACCES": "permission denied",
    "EPERM": "permission denied",
    "ENOENT": "the folder is gone",
    "ENOTDIR": "the folder is gone",
}
_NOT_WRITABLE: Final = "let the service's user write it, or name another folder."
_WAYS_OUT: Final = {
    "ENOSPC": "free some space and start again.",
    "EDQUOT": "free some space and start again.",
    "EROFS": "mount it for writing, or name another folder.",
    "EACCES": _NOT_WRITABLE,
    "EPERM": _NOT_WRITABLE,
}


class MediaFolderNotUsable(ConfigurationError):
    """Files cannot be kept in the folder; the text says why and what to do."""


def at_open(folder: Path, error: OSError) -> MediaFolderNotUsable:
    """Put the error into words for the operator."""
    name = _name(error)
    if name in {"EEXIST", "ENOTDIR", "ELOOP"}:
        return MediaFolderNotUsable(
            f"The media folder {folder} cannot be made, as something else is in its place: "
            "move that away, or name another folder."
        )
    cause = _CAUSES.get(name, name)
    way_out = _WAYS_OUT.get(name, "check the disk, or name another folder.")
    return MediaFolderNotUsable(f"The media folder {folder} cannot be used, {cause}: {way_out}")


def at_run_time(error: OSError) -> MediaStorageUnavailable:
    """Put the error into words that hold no path."""
    name = _name(error)
    return MediaStorageUnavailable(_CAUSES.get(name, name))


def _name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, type(error).__name__)
