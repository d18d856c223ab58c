"""Errors of the file system, as messages for the operator and for the log."""

import errno
import os
from pathlib import Path
from typing import Final

from adapters.media.disk.folder import ClosedFolderError
from application.ports.errors import (
    ConfigurationError,
    MediaFileRejected,
    MediaStorageFull,
    MediaStorageUnavailable,
)

_CAUSES: Final = {
    "ENOSPC": "the disk is full",
    "EDQUOT": "the disk quota is exceeded",
    "EROFS": "the folder is read-only",
    "EACCES": "permission denied",
    "EPERM": "permission denied",
    "ENOENT": "the folder is missing",
    "ENOTDIR": "the folder is missing",
}
_ERROR_TYPES: Final = {
    **dict.fromkeys(("ENOSPC", "EDQUOT"), MediaStorageFull),
    **dict.fromkeys(("EROFS", "EACCES", "EPERM", "EISDIR"), MediaFileRejected),
}
_ALLOW_WRITING: Final = "let the service's user write it, or name another folder."
_FIXES: Final = {
    "ENOSPC": "free some space and start again.",
    "EDQUOT": "free some space and start again.",
    "EROFS": "mount it for writing, or name another folder.",
    "EACCES": _ALLOW_WRITING,
    "EPERM": _ALLOW_WRITING,
}
_OF_THE_DISK: Final = {"ENOSPC", "EDQUOT", "EROFS", "EIO"}


def is_of_disk(error: OSError) -> bool:
    """Return whether the disk rejects all writes for now."""
    return _name(error) in _OF_THE_DISK


def not_usable(folder: Path, error: OSError) -> ConfigurationError:
    """Return the start-up error for the operator, with a fix."""
    name = _name(error)
    if isinstance(error, ClosedFolderError):
        return ConfigurationError(
            f"The folder {error.filename} cannot be used by this user (uid {os.geteuid()}), who "
            "has to read, write and enter it. Fix as root: "
            f"chown -R --reference={folder} {error.filename} && chmod -R u+rwX {error.filename}"
        )
    if name in {"EEXIST", "ENOTDIR", "ELOOP"}:
        return ConfigurationError(
            f"The media folder {folder} cannot be created, because something else has its name: "
            "move that away, or name another folder."
        )
    cause = _CAUSES.get(name, name)
    fix = _FIXES.get(name, "check the disk, or name another folder.")
    return ConfigurationError(f"The media folder {folder} cannot be used, {cause}: {fix}")


def files_unavailable(error: OSError) -> MediaStorageUnavailable:
    """Return the port's error. Its message contains no path."""
    name = _name(error)
    if isinstance(error, ClosedFolderError):
        closed = Path(error.filename).name
        return MediaFileRejected(f"permission denied in the folder {closed}", name)
    error_type = _ERROR_TYPES.get(name, MediaStorageUnavailable)
    return error_type(_CAUSES[name], name) if name in _CAUSES else error_type(name)


def _name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, type(error).__name__)
