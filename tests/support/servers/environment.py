"""Running servers, whose URLs are in environment variables."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from pymongo.errors import PyMongoError

from tests.support.servers.errors import ServerUnavailable, SourceUnavailable
from tests.support.servers.mongo_process import is_primary
from tests.support.servers.s3_server import S3Bucket, S3Server

MONGO_URL: Final = "DIALTONE_TEST_MONGO_URL"
S3_ENDPOINT: Final = "DIALTONE_TEST_S3_ENDPOINT"
_S3_VARIABLES: Final = {
    "DIALTONE_TEST_S3_ACCESS_KEY": "access_key",
    "DIALTONE_TEST_S3_SECRET_KEY": "secret_key",
    "DIALTONE_TEST_S3_REGION": "region",
    "DIALTONE_TEST_S3_BUCKET": "bucket",
}
"""Each has the default of `S3Server`."""


@contextmanager
def mongo(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the URL in the environment; raises ServerUnavailable if it is not writable."""
    url = environ.get(MONGO_URL)
    if not url:
        raise SourceUnavailable
    try:
        writable = is_primary(url)
    except PyMongoError as error:
        raise ServerUnavailable(f"{MONGO_URL}: cannot use this MongoDB: {error}") from error
    if not writable:
        raise ServerUnavailable(f"{MONGO_URL}: this MongoDB is not writable. It must be a primary.")
    yield url


@contextmanager
def s3(environ: Mapping[str, str]) -> Iterator[S3Server]:
    """Yield the S3 server in the environment; raises ServerUnavailable if it is not usable."""
    endpoint = environ.get(S3_ENDPOINT)
    if not endpoint:
        raise SourceUnavailable
    options = {option: environ[name] for name, option in _S3_VARIABLES.items() if environ.get(name)}
    server = S3Server(endpoint, **options)
    bucket = S3Bucket(server)
    bucket.create()
    if error := bucket.find_error():
        raise ServerUnavailable(f"{S3_ENDPOINT}: cannot use this server: {error}")
    yield server


def exports(url: str, server: S3Server) -> dict[str, str]:
    """Return the variables for another run that uses these servers."""
    options = {name: getattr(server, option) for name, option in _S3_VARIABLES.items()}
    return {MONGO_URL: url, S3_ENDPOINT: server.endpoint, **options}
