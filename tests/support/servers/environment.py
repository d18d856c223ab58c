"""Running servers, whose URLs are in environment variables."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from pymongo.errors import PyMongoError

from tests.support.servers import replica_set
from tests.support.servers.errors import ServerUnavailable, SourceNotConfigured
from tests.support.servers.s3_server import BUCKET, S3HealthCheck, S3Server

MONGO_URL: Final = "DIALTONE_TEST_MONGO_URL"
S3_ENDPOINT: Final = "DIALTONE_TEST_S3_ENDPOINT"
S3_ACCESS_KEY: Final = "DIALTONE_TEST_S3_ACCESS_KEY"
S3_SECRET_KEY: Final = "DIALTONE_TEST_S3_SECRET_KEY"
S3_REGION: Final = "DIALTONE_TEST_S3_REGION"
S3_BUCKET: Final = "DIALTONE_TEST_S3_BUCKET"


@contextmanager
def mongo(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the URL in the environment; raises ServerUnavailable if it is not writable."""
    url = environ.get(MONGO_URL)
    if not url:
        raise SourceNotConfigured(f"{MONGO_URL} is not set")
    try:
        writable = replica_set.is_primary(url)
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
        raise SourceNotConfigured(f"{S3_ENDPOINT} is not set")
    missing = [name for name in (S3_ACCESS_KEY, S3_SECRET_KEY) if not environ.get(name)]
    if missing:
        raise ServerUnavailable(f"{S3_ENDPOINT} also needs {' and '.join(missing)}.")
    server = S3Server(
        endpoint,
        environ[S3_ACCESS_KEY],
        environ[S3_SECRET_KEY],
        environ.get(S3_REGION) or "us-east-1",
        environ.get(S3_BUCKET) or BUCKET,
    )
    health_check = S3HealthCheck(server)
    health_check.create_bucket()
    if not health_check.is_healthy():
        raise ServerUnavailable(f"{S3_ENDPOINT}: cannot use this server: {health_check.error}")
    yield server


def exports(url: str, server: S3Server) -> dict[str, str]:
    """Return the variables for another run that uses these servers."""
    return {
        MONGO_URL: url,
        S3_ENDPOINT: server.endpoint,
        S3_ACCESS_KEY: server.access_key,
        S3_SECRET_KEY: server.secret_key,
        S3_REGION: server.region,
        S3_BUCKET: server.bucket,
    }
