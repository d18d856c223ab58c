"""The settings of the keys."""

from dataclasses import dataclass
from pathlib import Path

from application.ports.errors import ConfigurationError
from domain.errors import InvalidValue
from entrypoints.settings import parsers
from entrypoints.settings.database_parsers import find_factory
from entrypoints.settings.declaration import essential, optional
from entrypoints.settings.service import ServiceSettings
from entrypoints.settings.values import HIDDEN, Factory, Secret


def parse_secrets(text: str) -> Secret[str] | Factory:
    """Parse a factory, or check the document of the keys, which may have several lines."""
    from adapters.keys import keys

    if factory := find_factory(text):
        return factory
    if not text.startswith("{"):
        raise InvalidValue(
            "Must be package.module:factory, or the JSON text of a secrets file, which `dialtone "
            "keys generate -` prints."
        )
    try:
        keys.parse_secrets(text)
    except ConfigurationError as error:
        raise InvalidValue(str(error)) from None
    return Secret(text)


def _show_secrets(secrets: Secret[str] | Factory) -> str:
    return secrets.path if isinstance(secrets, Factory) else HIDDEN


@dataclass(frozen=True, kw_only=True)
class KeySettings(ServiceSettings):
    """Where the keys are."""

    secrets_file: Path = essential(
        "File with the keys; development creates it if it is missing, production does not.",
        parsers.parse_path,
        default="var/secrets.json",
    )
    # Its file is the one above, which has rules of its own.
    secrets: Secret[str] | Factory = optional(
        "package.module:factory of a key source (KMS, Vault), or the text of a secrets file.",
        parse_secrets,
        unset=Secret(""),
        example='"$(dialtone keys generate -)"',
        file_name="",
        has_lines=True,
        show=_show_secrets,
    )

    @property
    def are_keys_in_file(self) -> bool:
        """Whether the keys are in a file, which the first start may create."""
        return self.secrets == Secret("")
