"""Where the files of hookaba-backend are: a bucket, or a folder with a copy of it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

from adapters.imports.hookaba import BucketUrls
from application.features.imports.ports import SourceFiles
from application.ports.errors import ConfigurationError
from domain.errors import InvalidValue
from entrypoints.features.media.stores import MediaFolder, S3Bucket, parse_media
from entrypoints.opening.extras import check_extra
from entrypoints.opening.startup_error import InvalidArgument
from entrypoints.settings.read import find_text
from entrypoints.settings.values import Variables

_INVALID: Final = "--files must be s3://bucket, s3://bucket/prefix or file:path."
_DEFAULT_REGION: Final = "us-east-1"
_AWS_KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@asynccontextmanager
async def open_hookaba_files(
    text: str, bucket: str | None, variables: Variables
) -> AsyncIterator[tuple[BucketUrls, SourceFiles]]:
    """Open the place of the files for reading, and yield it with the URLs that lead there.

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
            from adapters.media.disk.reader import open_folder_reader

            yield BucketUrls(bucket), open_folder_reader(path)
        case S3Bucket():
            async with _open_bucket(place, bucket or place.bucket, variables) as opened:
                yield opened
        case _:
            raise InvalidArgument(_INVALID)


@asynccontextmanager
async def _open_bucket(
    place: S3Bucket, bucket: str, variables: Variables
) -> AsyncIterator[tuple[BucketUrls, SourceFiles]]:
    check_extra("s3", "--files s3://")
    from adapters.media.s3.client import S3Connection
    from adapters.media.s3.reader import open_bucket_reader

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
        yield BucketUrls(bucket, prefix, host), reader


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
