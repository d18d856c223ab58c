"""The `.env` file."""

import os
import re
import stat
from collections import defaultdict
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Final, NamedTuple

from dotenv.parser import Binding, parse_stream

from adapters.shared.files import open_regular_file
from entrypoints.settings.ownership import find_ownership_problem

ENV_FILE: Final = Path(".env")
"""The file's path: in the folder where the service is started."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


class EnvFile(NamedTuple):
    """What the file sets. Of a variable in several lines (`repeated`), the last one counts.

    `is_public`: every user of the machine can read it.
    """

    values: Mapping[str, str]
    problems: Sequence[str]
    repeated: Mapping[str, Sequence[int]]
    is_public: bool = False


NO_FILE: Final = EnvFile({}, [], {})


def read_env_file(path: Path) -> EnvFile:
    """Read the file. A missing file sets nothing.

    A file that another user can write is not read: it could name any module to run. For a link,
    that holds for the link and for its target.

    `${…}` is not expanded. `dotenv_values` would skip invalid lines: it neither raises an error nor
    returns their numbers.
    """
    try:
        if problem := find_ownership_problem(path, path.lstat()):
            return _unreadable(problem)
        with open_regular_file(path) as opened:
            status = os.fstat(opened.fileno())
            if problem := find_ownership_problem(path, status):
                return _unreadable(problem)
            # Editors on Windows write a byte order mark.
            bindings = list(parse_stream(StringIO(opened.read().decode("utf-8-sig"), newline=None)))
    except FileNotFoundError:
        return NO_FILE
    except UnicodeDecodeError:
        return _unreadable(f"{path} is not encoded in UTF-8: save it in this encoding.")
    except OSError as error:
        return _unreadable(f"{path} cannot be read ({error.strerror}): fix or remove it.")
    values, problems = dict[str, str](), list[str]()
    lines = defaultdict[str, list[int]](list)
    for binding in bindings:
        name = binding.key or ""
        if binding.value is not None and _NAME.fullmatch(name):
            values[name] = binding.value
            lines[name].append(_line(binding))
        elif binding.error or binding.key is not None:
            # The message does not quote the line, which may contain a password.
            problems.append(
                f"{path}, line {_line(binding)}: This is not NAME=value, or a quote is not closed. "
                'Example: DIALTONE_APP_NAME="Acme Inc"'
            )
    repeated = {name: found for name, found in lines.items() if len(found) > 1}
    is_public = bool(status.st_mode & stat.S_IROTH)
    return EnvFile(values, problems, repeated, is_public)


def _unreadable(problem: str) -> EnvFile:
    return EnvFile({}, [problem], {})


def _line(binding: Binding) -> int:
    """Return the line of the text, which may begin with empty lines."""
    text = binding.original.string
    return binding.original.line + text[: -len(text.lstrip())].count("\n")
