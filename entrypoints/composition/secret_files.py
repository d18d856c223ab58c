"""Files with the texts of settings, which variables such as `TWILIO_AUTH_TOKEN_FILE` name."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from adapters.shared.files import open_regular_file
from domain.errors import InvalidValue
from entrypoints.composition.checks import unused_variables
from entrypoints.composition.settings import FIELDS
from entrypoints.settings.declaration import PREFIX, Declaration
from entrypoints.settings.values import SecretFile, is_production

_MAX_FILE_SIZE: Final = 64 * 1024


class SecretFiles(NamedTuple):
    """The texts of settings that are in files, and which variable is wrong, and why."""

    texts: dict[str, str]
    files: dict[str, SecretFile]
    problems: dict[str, tuple[str, str]]


def read_secret_files(values: Mapping[str, str]) -> SecretFiles:
    """Read the files that variables name, except those of vendors that are not used."""
    read = SecretFiles({}, {}, {})
    # Our own settings first: they name the vendors.
    for name in sorted(FIELDS, key=lambda name: not name.startswith(PREFIX)):
        if name not in unused_variables({**values, **read.texts}):
            read_file_of(FIELDS[name], values, read)
    return read


def read_file_of(setting: Declaration, values: Mapping[str, str], read: SecretFiles) -> None:
    """Read the file of a setting, if a variable names one, and add it or what is wrong with it."""
    name, variable = setting.variable, setting.file_variable
    if variable not in values:
        return
    if name in values:
        problem = f"Must not be set together with {variable}. Remove one of the two."
        read.problems[name] = name, problem
        return
    try:
        read.files[name], read.texts[name] = _read_secret_file(
            variable, values, has_lines=setting.has_lines
        )
    except InvalidValue as error:
        read.problems[name] = variable, error.message


def _read_secret_file(
    variable: str, values: Mapping[str, str], *, has_lines: bool
) -> tuple[SecretFile, str]:
    """Return the file that a variable names, and its only line without the newline at its end.

    Links are followed, as those of a secret that Kubernetes mounts. An error quotes the path only
    if there is a file: the text may be the secret itself, in the wrong variable.

    In production, a file that every user of the machine can read is an error. A file that they can
    change always is: it may name a module to run.

    Raises:
        InvalidValue: The file cannot be used.
    """
    path, user, is_there = Path(values[variable].strip()).absolute(), os.geteuid(), False
    try:
        path.stat()
        is_there = True
        with open_regular_file(path) as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read(_MAX_FILE_SIZE + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no path"
        if is_there:
            raise InvalidValue(
                f"{path} cannot be read ({reason}). Name a file that the user of the service (uid "
                f"{user}) can read."
            ) from None
        raise InvalidValue(
            f"This path leads to no file that can be opened ({reason}). A relative path starts in "
            f"{Path.cwd()}. Correct the path, or let the user of the service (uid {user}) open its "
            "folders."
        ) from None
    if mode & stat.S_IWOTH:
        raise InvalidValue(
            f"Every user of the machine can write to {path} (mode {mode:04o}). Check "
            f"what it contains. Fix: chmod o-rw {path}"
        )
    if mode & stat.S_IROTH and is_production(values):
        # The mode counts also in a private folder: the folder may change unnoticed.
        raise InvalidValue(
            f"Every user of the machine can read {path} (mode {mode:04o}), which "
            f"production rejects. Fix: chmod o-r {path}, and let it belong to the user of the "
            f"service (uid {user}) or its group. In Kubernetes set defaultMode: 0440 and fsGroup; "
            "in Docker, uid and mode of the secret."
        )
    return SecretFile(variable, path), _read_text(path, content, has_lines=has_lines)


def _read_text(path: Path, content: bytes, *, has_lines: bool) -> str:
    if len(content) > _MAX_FILE_SIZE:
        raise InvalidValue(f"{path} has more than 64 KiB. It must contain the value only.")
    try:
        # Editors on Windows write a byte order mark.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidValue(f"{path} is not text in UTF-8. Write the value to it.") from None
    line = text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text
    if not line.strip():
        raise InvalidValue(f"{path} is empty. Write the value to it.")
    if has_lines:
        return text
    if "\n" in line or "\r" in line:
        raise InvalidValue(f"{path} has several lines. It must have one, with the value only.")
    if not line.isprintable():
        raise InvalidValue(f"{path} has unprintable characters. It must contain the value only.")
    return line
