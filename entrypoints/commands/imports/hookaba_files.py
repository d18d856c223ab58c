"""Where the files of hookaba-backend are: a bucket, or a folder with a copy of it.

It uploaded each file under its name, and stored `https://BUCKET.s3.REGION.amazonaws.com/NAME`. No
such URL is fetched: its path is a key of the bucket that the operator names.
"""

import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

from application.ports.errors import ConfigurationError
from application.ports.media import StoredFile
from application.ports.older_service import OlderFiles
from domain.errors import InvalidValue
from entrypoints.opening.extras import check_extra
from entrypoints.opening.startup_error import InvalidArgument
from entrypoints.settings.media_stores import MediaFolder, S3Bucket, parse_media
from entrypoints.settings.read import find_text
from entrypoints.settings.values import Variables

_AMAZON: Final = re.compile(r"s3(?:[.-][a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_INVALID: Final = "--files must be s3://bucket, s3://bucket/prefix or file:path."
_DEFAULT_REGION: Final = "us-east-1"
_AWS_KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


class _Reader(Protocol):
    """Reads files by key."""

    async def get_size(self, key: str, /) -> int | None: ...

    def open_file(self, key: str, /) -> AbstractAsyncContextManager[StoredFile | None]: ...


@dataclass(frozen=True, slots=True)
class BucketUrls:
    """The URLs of one bucket.

    Attributes:
        bucket: The bucket in the URLs.
        prefix: Where its files are in the bucket that is read: empty, or with a slash at its end.
        endpoint_host: The host of a store that is not Amazon's, or None.
    """

    bucket: str
    prefix: str = ""
    endpoint_host: str | None = None

    def find_key(self, url: str) -> str | None:
        """Return the key of the file with this URL; None for a URL of anything else.

        A key that has the prefix already is not given it again.
        """
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").lower()
        except ValueError:
            return None
        if parts.scheme not in ("http", "https"):
            return None
        path = unquote(parts.path).removeprefix("/")
        bucket_host, dot, store = host.partition(f"{self.bucket}.")
        if dot and not bucket_host and self._is_store(store):
            key = path
        elif self._is_store(host) and path.startswith(f"{self.bucket}/"):
            key = path.removeprefix(f"{self.bucket}/")
        else:
            return None
        if not key or _CONTROL.search(key) or {"", ".", ".."}.intersection(key.split("/")):
            return None
        return key if key.startswith(self.prefix) else self.prefix + key

    def _is_store(self, host: str) -> bool:
        return host == self.endpoint_host or _AMAZON.fullmatch(host) is not None


@dataclass(frozen=True, slots=True)
class HookabaFiles:
    """The files behind URLs of one bucket."""

    urls: BucketUrls
    reader: _Reader

    def find_key(self, url: str) -> str | None:
        """Return the key of the file with this URL, or None if it is not in the bucket."""
        return self.urls.find_key(url)

    async def get_size(self, key: str) -> int | None:
        """Return the size of the file in bytes, or None if it does not exist."""
        return await self.reader.get_size(key)

    def open_file(self, key: str) -> AbstractAsyncContextManager[StoredFile | None]:
        """Open the file for reading until the end of the block; None if it does not exist."""
        return self.reader.open_file(key)


@asynccontextmanager
async def open_hookaba_files(
    text: str, bucket: str | None, variables: Variables
) -> AsyncIterator[OlderFiles]:
    """Open the place of the files for reading.

    Args:
        text: The argument --files.
        bucket: The bucket in the URLs, if it has another name than the one that is read.
        variables: Have the keys: `HOOKABA_…`, or those of AWS. Without any, botocore finds
            credentials.

    Raises:
        InvalidArgument: The argument is invalid, or one of two keys is missing.
        SettingsError: The file of a key cannot be used.
        ConfigurationError: The place cannot be read.
    """
    try:
        place = parse_media(text)
    except InvalidValue:
        raise InvalidArgument(_INVALID) from None
    match place:
        case MediaFolder(path=path):
            if bucket is None:
                raise InvalidArgument(
                    "--bucket must name the bucket in the URLs of the older service, if --files is "
                    "a folder."
                )
            from adapters.disk.reader import open_folder_reader

            yield HookabaFiles(BucketUrls(bucket), open_folder_reader(path))
        case S3Bucket():
            async with _open_bucket(place, bucket or place.bucket, variables) as files:
                yield files
        case _:
            raise InvalidArgument(_INVALID)


@asynccontextmanager
async def _open_bucket(
    place: S3Bucket, bucket: str, variables: Variables
) -> AsyncIterator[OlderFiles]:
    check_extra("s3", "--files s3://")
    from adapters.s3.client import S3Connection
    from adapters.s3.reader import open_bucket_reader

    def find(*names: str) -> str:
        values = variables.values
        return next((values[name].strip() for name in names if values.get(name)), "")

    endpoint = find("HOOKABA_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL") or None
    region = find("HOOKABA_AWS_REGION", "S3_REGION", "AWS_REGION", "AWS_DEFAULT_REGION")
    connection = S3Connection(endpoint, region or _DEFAULT_REGION, *_find_keys(variables))
    prefix = f"{place.prefix}/" if place.prefix else ""
    host = urlsplit(endpoint).hostname if endpoint else None
    async with AsyncExitStack() as stack:
        try:
            opening = open_bucket_reader(place.bucket, connection)
            reader = await stack.enter_async_context(opening)
        except ConfigurationError as error:
            if connection.access_key:
                raise
            raise ConfigurationError(
                f"{error} Or set HOOKABA_AWS_ACCESS_KEY_ID and HOOKABA_AWS_SECRET_ACCESS_KEY, in "
                ".env too."
            ) from None
        yield HookabaFiles(BucketUrls(bucket, prefix, host), reader)


def _find_keys(variables: Variables) -> tuple[str, str, str]:
    """Return key ID, secret key and session token: empty texts where botocore finds them.

    All are of the older service, or all are ours: a token belongs to its keys.
    """
    for prefix in ("HOOKABA_", ""):
        names = [f"{prefix}{name}" for name in _AWS_KEYS]
        key_id, secret_key, token = (find_text(variables, name) for name in names)
        if key_id and secret_key:
            return key_id, secret_key, token
        if key_id or secret_key or token:
            raise InvalidArgument(
                f"--files s3:// needs both keys of the older service's bucket: set {names[0]} and "
                f"{names[1]}; or none of these, if a role, a web identity or a profile may read it."
            )
    return "", "", ""
