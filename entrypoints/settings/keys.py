"""The settings of the keys."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from application.ports.errors import ConfigurationError
from domain.errors import InvalidValue
from entrypoints.settings.declaration import setting
from entrypoints.settings.service import ServiceSettings
from entrypoints.settings.values import Secret


def parse_secrets(text: str) -> Secret[str]:
    """Check the document of the keys, which may have several lines."""
    from adapters.security.keys import keys

    if not text.startswith("{"):
        raise InvalidValue(
            "Must be the JSON text of a secrets file, which `dialtone keys generate -` prints."
        )
    try:
        keys.parse_secrets(text)
    except ConfigurationError as error:
        raise InvalidValue(str(error)) from None
    return Secret(text)


@dataclass(frozen=True, kw_only=True)
class KeySettings(ServiceSettings):
    """Where the keys are."""

    secrets_file: Path = setting(
        "File with the keys; development creates it if it is missing, production does not.",
        "var/secrets.json",
    )
    secrets: Annotated[Secret[str], parse_secrets] = setting(
        "Text of a secrets file, instead of DIALTONE_SECRETS_FILE.",
        example='"$(dialtone keys generate -)"',
        has_lines=True,
    )

    @property
    def are_keys_in_file(self) -> bool:
        return not self.secrets.value
