"""Which extensions a process has: those that `DIALTONE_EXTENSIONS` names.

A process loads them before it imports what is made of all features: their settings, the kinds of
records, the API. Processes that it forks have them too.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from entrypoints.extensions.extension import Extension

VARIABLE: Final = "DIALTONE_EXTENSIONS"
EXTENSIONS: "Final[list[Extension]]" = []
"""The extensions of this process, in the order of the variable."""


def load_extensions(environ: Mapping[str, str]) -> None:
    """Load the extensions that the environment or `.env` names. Without any, import nothing.

    Raises:
        StartupError: The variable is not valid, or an extension cannot be used.
    """
    if VARIABLE not in environ and not Path(".env").exists():
        return
    from entrypoints.settings.env_file import ENV_FILE, read_env_file

    # Problems of the file are reported with those of all settings.
    in_file, _ = read_env_file(ENV_FILE)
    text = environ.get(VARIABLE, "").strip() or in_file.get(VARIABLE, "").strip()
    if not text:
        return
    from adapters.records.extension_kinds import EXTENSION_KINDS
    from entrypoints.extensions.loading import load_named

    for extension in load_named(text, VARIABLE):
        EXTENSIONS.append(extension)
        EXTENSION_KINDS.extend(extension.kinds)
