"""Point reads of identities, which decode a document once for as long as it stays the same."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Final

import bson
from bson.raw_bson import RawBSONDocument

from adapters.mongo.batch_loader import BatchLoader, is_storable
from adapters.mongo.database import Database
from adapters.mongo.driver import RAW_DOCUMENTS, MotorCollection
from adapters.mongo.record_mapping import RecordMapping
from application.bounded_cache import BoundedCache
from application.gathering import Completed
from application.ports.errors import CorruptRecord
from application.ports.versioned import Versioned
from domain.identities.identity import Identity

MAX_IDENTITIES: Final = 20_000
"""About 3 KB each."""


class IdentityLoader:
    """Loads identities in batches, each as the database has it now.

    Only the values are cached, by the bytes of their documents: an identity that was changed has
    other bytes.
    """

    def __init__(
        self,
        database: Database,
        collection: MotorCollection,
        mapping: RecordMapping[Identity],
        max_size: int = MAX_IDENTITIES,
    ) -> None:
        """Set what to load.

        Args:
            database: runs the calls.
            collection: has the documents, and the options by which they are decoded.
            mapping: makes identities of documents.
            max_size: the number of cached identities, at least two.
        """
        self._database = database
        self._options = collection.codec_options
        self._collection = database.in_event_loop(collection).with_options(RAW_DOCUMENTS)
        self._mapping = mapping
        self._identities = BoundedCache[bytes, Versioned[Identity]](max_size)
        self._loader = BatchLoader(self._fetch)

    def load(self, identity_id: str) -> Awaitable[Versioned[Identity] | None]:
        """Return the identity, or None. It is under way at once.

        Raises:
            CorruptRecord
            StorageError
        """
        if not is_storable(identity_id):
            return Completed(None)
        request = self._loader.request_as
        return self._database.wait_for(lambda: request(identity_id, _raise_if_corrupt))

    async def finish(self) -> None:
        """Return when no read is under way."""
        await self._loader.finish()

    async def _fetch(self, ids: Sequence[str]) -> Mapping[str, Versioned[Identity] | CorruptRecord]:
        return await self._database.read_batch(lambda: self._find(ids))

    async def _find(self, ids: Sequence[str]) -> Mapping[str, Versioned[Identity] | CorruptRecord]:
        # With one more than can be found, the first reply is known to be the last.
        cursor = self._collection.find({"_id": {"$in": ids}}, batch_size=len(ids) + 1)
        return dict(map(self._decode, await cursor.to_list()))

    def _decode(self, document: RawBSONDocument) -> tuple[str, Versioned[Identity] | CorruptRecord]:
        stored = bytes(document.raw)
        identity = self._identities.get(stored)
        if identity is None:
            fields = bson.decode(stored, self._options)
            try:
                identity = self._mapping.decode(fields)
            except CorruptRecord as error:
                # The other identities of the batch are valid.
                return fields["_id"], error
            self._identities.put(stored, identity)
        return identity.value.id, identity


def _raise_if_corrupt(
    found: Versioned[Identity] | CorruptRecord | None,
) -> Versioned[Identity] | None:
    if isinstance(found, CorruptRecord):
        raise found
    return found
