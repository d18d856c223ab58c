"""A key source, with access to what has the keys."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from application.ports.keys import Key, KeyPurpose, KeySource
from pytest_dialtone.external_adapter import call_test_method
from pytest_dialtone.provider_driver import ExternalProviderDriver


class KeySourceDriver(ExternalProviderDriver):
    """A key source, and what has the keys. It may have methods for tests, see docs/adapters.md.

    Attributes:
        source: It loads the keys.
        reopen: Opens it for the same keys again, as another process does.
        can_store_keys: Whether the keys can be replaced.
    """

    def __init__(
        self, source: KeySource, reopen: Callable[[], AbstractAsyncContextManager[KeySource]]
    ) -> None:
        super().__init__(source)
        self.source = source
        self.reopen = reopen
        self.can_store_keys = hasattr(source, "store_keys")

    async def store_keys(self, keys: Mapping[KeyPurpose, Sequence[Key]]) -> None:
        """Replace all keys."""
        await call_test_method(self.source, "store_keys", keys)
