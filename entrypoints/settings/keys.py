"""The settings of the keys."""

from dataclasses import dataclass
from pathlib import Path

from entrypoints.settings import parsers
from entrypoints.settings.declaration import essential, optional
from entrypoints.settings.service import ServiceSettings
from entrypoints.settings.values import Secret


@dataclass(frozen=True, kw_only=True)
class KeySettings(ServiceSettings):
    """Where the keys are."""

    secrets_file: Path = essential(
        "File with the keys; development creates it if it is missing, production does not.",
        parsers.parse_path,
        default="var/secrets.json",
    )
    # Its file is the one above, which has rules of its own.
    secrets: Secret[str] = optional(
        "The text of a secrets file, instead of DIALTONE_SECRETS_FILE.",
        parsers.parse_secrets_text,
        unset=Secret(""),
        example='"$(dialtone keys generate -)"',
        file_name="",
    )
