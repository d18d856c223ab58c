"""The `.env` file."""

import os
import re
from dataclasses import field
from io import StringIO
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

from domain.values import dataclass
from entrypoints.ownership import find_ownership_problem

ENV_FILE: Final = Path(".env")
"""The file's path: in the folder where the service is started."""

_STATEMENT: Final = re.compile(
    r"""
    [^\S\n]* (?: \#[^\n]*  # a comment
    | (?:export[^\S\n]+)?+ (?P<quote>'?)(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)(?P=quote)
      [^\S\n]* = [^\S\n]*
      (?: (?: '(?:\\.|[^'\\])*' | "(?:\\.|[^"\\])*" )? [^\S\n]* (?:\#[^\n]*)?
        | [^\s'"] [^\n]*
      ) (?=\n|\Z)
    | (?P<invalid> \S[^\n]* )
    )
    """,
    re.VERBOSE | re.DOTALL,
)
"""One line, or several if a quoted value has several."""


@dataclass(frozen=True, slots=True)
class EnvFile:
    """What a `.env` file sets, and one line for each of its problems."""

    values: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_env_file(path: Path | None) -> EnvFile:
    """Read the file; a missing file sets nothing.

    A file that another user can write is not read: it could name any module to run. For a link,
    that holds for the link and for its target.

    `${…}` is not expanded. `dotenv_values` parses each statement of its own, because it skips
    invalid lines: it neither raises an error nor returns the lines' numbers.
    """
    if path is None:
        return EnvFile()
    try:
        if problem := find_ownership_problem(path, path.lstat()):
            return EnvFile(problems=[problem])
        # Editors on Windows write a byte order mark.
        with path.open(encoding="utf-8-sig") as opened:
            if problem := find_ownership_problem(path, os.fstat(opened.fileno())):
                return EnvFile(problems=[problem])
            text = opened.read()
    except FileNotFoundError:
        return EnvFile()
    except UnicodeDecodeError:
        return EnvFile(problems=[f"{path} is not encoded in UTF-8: save it in this encoding."])
    except OSError as error:
        return EnvFile(problems=[f"{path} cannot be read ({error.strerror}): fix or remove it."])
    file = EnvFile()
    for statement in _STATEMENT.finditer(text):
        if name := statement["name"]:
            parsed = dotenv_values(stream=StringIO(statement[0]), interpolate=False)
            file.values[name] = parsed[name] or ""
        elif statement["invalid"]:
            # The message does not quote the line, which may contain a password.
            file.problems.append(
                f"{path}, line {text.count(chr(10), 0, statement.start()) + 1}: This is not "
                'NAME=value, or a quote is not closed. Example: DIALTONE_APP_NAME="Acme Inc"'
            )
    return file
