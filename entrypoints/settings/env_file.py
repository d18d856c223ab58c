"""The `.env` file: names and values, or what is wrong with it."""

import re
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Final

from dotenv.parser import Binding, parse_stream

ENV_FILE: Final = Path(".env")
"""Where it lies: in the folder that the service is started in."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class EnvFile:
    """What a `.env` file sets, and one sentence for each thing that is wrong with it."""

    values: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_env_file(path: Path | None) -> EnvFile:
    """Read the file; one that is not there sets nothing.

    Values are taken as written: `${…}` stands for itself.
    """
    if path is None:
        return EnvFile()
    try:
        # Read with its byte order mark, which Windows' editors put there.
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return EnvFile()
    except UnicodeDecodeError:
        return EnvFile(problems=[f"{path} is not text in UTF-8; save it as that."])
    except OSError as error:
        return EnvFile(problems=[f"{path} cannot be read ({error.strerror}); mend or remove it."])
    file = EnvFile()
    for binding in parse_stream(StringIO(text)):
        if binding.key is not None and binding.value is not None and _NAME.fullmatch(binding.key):
            file.values[binding.key] = binding.value
        elif binding.error or binding.key is not None:
            # The line is not quoted: it may hold a password.
            file.problems.append(
                f"{path}, line {_line(binding)}: this is not NAME=value, or a quote is not "
                'closed. Example: DIALTONE_APP_NAME="Acme Inc"'
            )
    return file


def _line(binding: Binding) -> int:
    # A statement begins, for its parser, with the blank lines before it.
    text = binding.original.string
    blank = text[: len(text) - len(text.lstrip())]
    return binding.original.line + blank.count("\n")
