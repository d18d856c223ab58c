"""Files with the texts of settings, which variables such as `TWILIO_AUTH_TOKEN_FILE` name."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from adapters.files import open_regular_file
from domain.errors import InvalidValue
from entrypoints.settings.checks import is_production, unused_variables
from entrypoints.settings.declaration import PREFIX
from entrypoints.settings.settings import FILE_VARIABLES
from entrypoints.settings.values import SecretFile

_MAX_FILE_SIZE: Final = 64 * 1024
_EXPOSED: Final = stat.S_IROTH | stat.S_IWOTH


class SecretFiles(NamedTuple):
    """What the files of settings contain.

    Attributes:
        texts: The texts of the settings, by their variables.
        files: The file of each.
        problems: The settings without a text: the variable that is wrong, and why.
    """

    texts: dict[str, str]
    files: dict[str, SecretFile]
    problems: dict[str, tuple[str, str]]


def read_secret_files(values: Mapping[str, str]) -> SecretFiles:
    """Read the files that variables name, except those of vendors that are not used."""
    read = SecretFiles({}, {}, {})
    is_strict = is_production(values)
    # Our own settings first: they name the vendors.
    for name in sorted(FILE_VARIABLES, key=lambda name: not name.startswith(PREFIX)):
        variable = FILE_VARIABLES[name]
        if variable not in values or name in unused_variables({**values, **read.texts}):
            continue
        if name in values:
            problem = f"Must not be set together with {variable}. Remove one of the two."
            read.problems[name] = name, problem
            continue
        try:
            file, text = _read_secret_file(variable, values[variable].strip(), is_strict=is_strict)
        except InvalidValue as error:
            read.problems[name] = variable, error.message
        else:
            read.files[name], read.texts[name] = file, text
    return read


def _read_secret_file(variable: str, text: str, *, is_strict: bool) -> tuple[SecretFile, str]:
    """Return the file that a variable names, and its only line without the newline at its end.

    Links are followed, as those of a secret that Kubernetes mounts. An error quotes the path only
    if there is a file: the text may be the secret itself, in the wrong variable.

    Args:
        variable: Names the file.
        text: The path; a relative one starts in the current folder.
        is_strict: Every user of the machine having access to the file is an error.

    Raises:
        InvalidValue: The file cannot be used.
    """
    if not text.isprintable():
        raise InvalidValue("Must not contain unprintable characters.")
    path, user = Path(text).absolute(), os.geteuid()
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise InvalidValue(
            f"This path leads to no file that can be opened ({error.strerror}). A relative path "
            f"starts in {Path.cwd()}. Correct the path, or let the user of the service (uid {user})"
            " open its folders."
        ) from None
    if stat.S_ISDIR(mode):
        raise InvalidValue(f"{path} is a folder. Name a file in it.")
    try:
        with open_regular_file(path) as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_MAX_FILE_SIZE + 1)
    except OSError as error:
        raise InvalidValue(
            f"{path} cannot be read ({error.strerror}). Name a file that the user of the service "
            f"(uid {user}) can read."
        ) from None
    is_exposed = bool(mode & _EXPOSED)
    if is_exposed and is_strict:
        raise InvalidValue(
            f"Every user of the machine has access to {path} (mode {stat.S_IMODE(mode):04o}), which"
            f" production rejects. Fix: chmod o-rw {path}, and let it belong to the user of the "
            f"service (uid {user}) or its group. In Kubernetes set defaultMode: 0440 and fsGroup; "
            "in Docker, uid and mode of the secret."
        )
    return SecretFile(variable, path, is_exposed), _read_line(path, content)


def _read_line(path: Path, content: bytes) -> str:
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
    if "\n" in line or "\r" in line:
        raise InvalidValue(f"{path} has several lines. It must have one, with the value only.")
    if not line.isprintable():
        raise InvalidValue(f"{path} has unprintable characters. It must contain the value only.")
    return line


def find_exposed(files: Mapping[str, SecretFile]) -> list[SecretFile]:
    """Return the files that every user of the machine can read or change."""
    return [file for file in files.values() if file.is_exposed]


def exposed_line(file: SecretFile) -> str:
    """Return the line about such a file, which production rejects."""
    return (
        f"{file.variable}: Every user of the machine has access to {file.path}, which production "
        f"rejects. Fix: chmod o-rw {file.path}"
    )
