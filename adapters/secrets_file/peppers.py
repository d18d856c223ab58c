from collections.abc import Sequence

from adapters.secrets_file.secrets import Secret


class FilePeppers:
    """The peppers of the secrets file."""

    def __init__(self, peppers: Sequence[Secret]) -> None:
        self._current = peppers[0].id
        self._keys = {pepper.id: pepper.key for pepper in peppers}

    def current(self) -> str:
        """Give the id of the key for new challenges."""
        return self._current

    def key(self, key_id: str) -> bytes | None:
        """Give the key, or None when it is here no more."""
        return self._keys.get(key_id)
