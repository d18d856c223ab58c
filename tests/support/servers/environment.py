"""Servers that are there already: their addresses are in environment variables."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from pymongo.errors import PyMongoError

from tests.support.servers import replica_set
from tests.support.servers.refusals import NoServer, NotAskedFor
from tests.support.servers.s3_server import BUCKET, S3Server
from tests.support.servers.s3_trial import S3Trial

MONGO_URL: Final = "DIALTONE_TEST_MONGO_URL"
S3_ENDPOINT: Final = "DIALTONE_TEST_S3_ENDPOINT"
S3_ACCESS_KEY: Final = "DIALTONE_TEST_S3_ACCESS_KEY"
S3_SECRET_KEY: Final = "DIALTONE_TEST_S3_SECRET_KEY"
S3_REGION: Final = "DIALTONE_TEST_S3_REGION"
S3_BUCKET: Final = "DIALTONE_TEST_S3_BUCKET"


@contextmanager
def mongo(environ: Mapping[str, str]) -> Iterator[str]:
    """The MongoDB that the environment names; NoServer when it does not take writes."""
    url = environ.get(MONGO_URL)
    if not url:
        raise NotAskedFor(f"{MONGO_URL} is not set")
    try:
        writable = replica_set.is_primary(url)
    except PyMongoError as error:
        raise NoServer(f"{MONGO_URL} names no MongoDB that can be used: {error}") from error
    if not writable:
        raise NoServer(f"{MONGO_URL} names a MongoDB that takes no writes: it must be a primary.")
    yield url


@contextmanager
def s3(environ: Mapping[str, str]) -> Iterator[S3Server]:
    """The S3 server that the environment names; NoServer when it does not keep what it is given."""
    endpoint = environ.get(S3_ENDPOINT)
    if not endpoint:
        raise NotAskedFor(f"{S3_ENDPOINT} is not set")
    missing = [name for name in (S3_ACCESS_KEY, S3_SECRET_KEY) if not environ.get(name)]
    if missing:
        raise NoServer(f"{S3_ENDPOINT} is set, and {' and '.join(missing)} must be as well.")
    server = S3Server(
        endpoint,
        environ[S3_ACCESS_KEY],
        environ[S3_SECRET_KEY],
        environ.get(S3_REGION) or "us-east-1",
        environ.get(S3_BUCKET) or BUCKET,
    )
    trial = S3Trial(server)
    trial.make_bucket()
    if not trial.succeeds():
        raise NoServer(f"{S3_ENDPOINT} names no S3 server that can be used: {trial.refusal}")
    yield server


def exports(url: str, server: S3Server) -> dict[str, str]:
    """The variables that lead another run to these servers."""
    return {
        MONGO_URL: url,
        S3_ENDPOINT: server.endpoint,
        S3_ACCESS_KEY: server.access_key,
        S3_SECRET_KEY: server.secret_key,
        S3_REGION: server.region,
        S3_BUCKET: server.bucket,
    }
