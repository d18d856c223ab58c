"""The ports of the library: items, files, and the encoding of images."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, Final, ParamSpec, Protocol, TypeVar

from application.ports.versioned import DeletableRecords, ExpiringRecords, Versioned
from domain.cursor import Cursor
from domain.features.media.image import Image, VariantSpec
from domain.features.media.item import ItemFilter, MediaItem
from domain.features.media.usage import IdempotencyKey, MediaUsage

P = ParamSpec("P")
T = TypeVar("T")


class MediaItems(DeletableRecords[MediaItem], Protocol):
    """Library items by id, in any state; in pages; and those that the cleanup handles.

    Pages have the ready items, or the hidden ones, newest first: by `created_at`, then by id.
    Limits are positive. Lists for the cleanup leave out what cannot be read, and the log names it.
    Items of deleted owners are listed too: `Identities.find_deleted` knows whose these are.
    """

    async def list_page(
        self, item_filter: ItemFilter, offset: int, limit: int
    ) -> Sequence[MediaItem]:
        """List items after the first `offset` ones, which cost time: see `MAX_TOTAL`."""
        ...

    async def list_after(
        self, item_filter: ItemFilter, cursor: Cursor, limit: int
    ) -> Sequence[MediaItem]:
        """List items after the cursor.

        The cost does not depend on how many items come before it. The item of the cursor need not
        exist.
        """
        ...

    async def count(self, item_filter: ItemFilter, limit: int) -> int:
        """Count the items, up to `limit`.

        The cost does not depend on how many more there are.
        """
        ...

    async def list_of_owner(self, owner_id: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        """List up to `limit` items of an owner that are not marked for deletion.

        Raises:
            CorruptRecord: None of them can be read.
        """
        ...

    async def list_by_id(self, after_id: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        """List up to `limit` items in any state whose ids come after this one, in their order."""
        ...

    async def list_sizes(self, owner_id: str) -> Mapping[str, int]:
        """Return the id and the bytes of each ready or hidden item of an owner."""
        ...

    async def list_deleting_ids(self, owner_id: str, requested_after: datetime) -> Sequence[str]:
        """List the ids of an owner's items whose deletion was requested after this time."""
        ...

    async def list_expired_uploads(
        self, now: datetime, limit: int, offset: int = 0
    ) -> Sequence[Versioned[MediaItem]]:
        """List up to `limit` pending items whose upload deadline passed."""
        ...

    async def list_deleting(
        self, requested_before: datetime, limit: int, offset: int = 0
    ) -> Sequence[Versioned[MediaItem]]:
        """List up to `limit` items whose deletion was requested at this time or earlier."""
        ...

    async def list_refused_deletions(self, limit: int) -> Sequence[Versioned[MediaItem]]:
        """List up to `limit` items whose file the store refused to delete, the oldest first."""
        ...


URL_TTL: Final = timedelta(days=2)
"""Maximum lifetime of a URL that expires."""


class MediaUsages(DeletableRecords[MediaUsage], Protocol):
    """The usage of each user who has uploaded, by the id of the user."""

    async def list_due(
        self, now: datetime, limit: int, offset: int = 0
    ) -> Sequence[Versioned[MediaUsage]]:
        """List up to `limit` usages whose `recount_at` has passed."""
        ...


@dataclass(frozen=True, slots=True)
class MediaRepositories:
    """The repositories of the library."""

    items: MediaItems
    usages: MediaUsages
    idempotency_keys: ExpiringRecords[IdempotencyKey]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that is open for reading. It may be read to its end, in part, or not at all.

    It is closed at the end of the block that opened it, and cannot be read afterwards. If the file
    is deleted meanwhile, `chunks` has the whole content, or raises `MediaStorageUnavailable`: a
    part is never taken for the whole.

    Attributes:
        size: How many bytes `chunks` has.
        chunks: The content, or the requested part of it, in order.
    """

    size: int
    chunks: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class MediaUrl:
    """A URL that needs no token; `expires_at` is None if it does not expire."""

    url: str
    expires_at: datetime | None = None


def url_expiry(now: datetime) -> datetime:
    """Return the expiry of a URL that is made now.

    It is the same for each day in UTC, so that URLs are too, and caches work. So a URL is valid
    for one day at least.
    """
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + URL_TTL


MAX_STORAGE_KEY_LENGTH: Final = 100


class MediaFiles(Protocol):
    """Files by storage key. A file is complete or absent, never partly visible.

    A storage key has at most `MAX_STORAGE_KEY_LENGTH` characters: names of lower-case letters and
    digits, with single dots, hyphens and underscores inside, and slashes between the names, as in a
    path.

    Time limits, in seconds: `write` ends within 60, every other call, and each awaited chunk or
    key, within 30. When the store works again after an outage, so do all calls, within 30 seconds.
    """

    async def write(self, storage_key: str, content: BinaryIO, content_type: str) -> None:
        """Store the file durably, replacing the one with the same storage key.

        `content` is seekable. It is read to its end, and never as a whole into memory: at most
        8 MB at once. If that fails, the former file stays. A write whose caller was cancelled may
        still be done.

        Raises:
            MediaStorageUnavailable
            MediaFileRejected: Repeating it does not help.
            MediaStorageFull: There is no space for it.
        """
        ...

    async def get_size(self, storage_key: str) -> int | None:
        """Return the size of the file in bytes, or None if it does not exist. Do not open it.

        Raises:
            MediaStorageUnavailable
        """
        ...

    def open_file(
        self, storage_key: str, start: int = 0, stop: int | None = None
    ) -> AbstractAsyncContextManager[StoredFile | None]:
        """Open the file for reading until the end of the block; None if it does not exist.

        - Only the bytes from `start` to before `stop` are read, to the end of the file without
          `stop`. `start` is inside the file, or 0.
        - When the block ends, in whatever way, the connection or descriptor is released at once.
        - While the service has 256 files open, writes, deletions and health checks are not delayed.

        Raises:
            MediaStorageUnavailable
        """
        ...

    def list_files(self) -> AsyncIterator[str]:
        """List the storage keys of all files, in any order.

        Files that are written or deleted meanwhile may be listed or not.

        Raises:
            MediaStorageUnavailable
        """
        ...

    async def delete(self, storage_key: str) -> None:
        """Delete the file. It is no error if it does not exist.

        Raises:
            MediaStorageUnavailable
        """
        ...

    async def url_for(self, storage_key: str) -> MediaUrl:
        """Return the URL of the file without I/O, whether the file exists or not.

        A URL that expires does so at `url_expiry`, and is the same until the end of the day.
        """
        ...

    async def delete_unfinished(self, before: datetime) -> int:
        """Delete what is left of unfinished writes that began before this time.

        Returns:
            The number of deleted leftovers.

        Raises:
            MediaStorageUnavailable
        """
        ...


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """An image that was encoded by the service: without metadata, and upright.

    Attributes:
        image: Its properties.
        file: Its bytes, open at their beginning.
    """

    image: Image
    file: BinaryIO


@dataclass(frozen=True, slots=True)
class PublishedImage:
    """The image that is published, and its variants by name."""

    full: EncodedImage
    variants: Mapping[str, EncodedImage]


class TemporaryFiles(Protocol):
    """Temporary files, in a folder on a disk that may hang.

    Threads of their own work with the files, and neither the event loop nor the threads of asyncio,
    which look up hosts. If the disk hangs, the thread that works with a file keeps it: other calls
    with this file fail at once.
    """

    def create(self, *, in_memory: bool = False) -> BinaryIO:
        """Return a new file, which the first call opens. `close` closes it."""
        ...

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function that works with files, and return its result.

        Raises:
            Unavailable: There was no result in time, and the thread goes on when the disk does. Or
                the folder cannot be used.
            NoUploadSpace: The disk is full.
            Exception: What else the function raises.
        """
        ...

    async def close(self, *files: BinaryIO) -> None:
        """Close files. One that a thread still works with is closed by this thread."""
        ...

    async def free_bytes(self, file: BinaryIO, /) -> int | None:
        """Return the free space for a file in the folder, or None if that has no size of its own.

        Raises:
            Unavailable
        """
        ...


class ImagePublisher(Protocol):
    """Decodes an upload and encodes it for publication."""

    def publish(
        self, upload: BinaryIO, identity_id: str, variants: Sequence[VariantSpec] = ()
    ) -> AbstractAsyncContextManager[PublishedImage]:
        """Decode the upload and encode it anew, outside the event loop.

        - Only the bytes decide the format; the file name and the claimed type are ignored.
        - `upload` has a descriptor, is read from its beginning, and stays open.
        - `identity_id` is who uploads, and whose pixels are counted.
        - Each spec yields one variant of the same name.
        - The files of the result are closed at the end of the block.

        Raises:
            UnsupportedImageType: The bytes have none of the accepted formats.
            InvalidImage: The image is broken or exceeds a limit. The message names the limit.
            HdrNotSupported
            TooManyUploads: Too many images are waiting.
            TooManyPixels: The identity has published too many pixels in the last hour.
            NoUploadSpace: The temporary folder is full.
            Unavailable: The service is stopping, or the temporary folder hangs or cannot be used.
        """
        ...

    def encode_variants(
        self, published: BinaryIO, variants: Sequence[VariantSpec]
    ) -> AbstractAsyncContextManager[Mapping[str, EncodedImage]]:
        """Encode variants of an image that was published before, by name.

        It waits together with uploads and counts for no identity. `published` has a descriptor, is
        read from its beginning, and stays open. The files are closed at the end of the block.

        Raises:
            UnsupportedImageType, InvalidImage, TooManyUploads, NoUploadSpace, Unavailable
        """
        ...
