"""Servers as processes, with programs from packages."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.servers.mongo_process import MongoProcess
from tests.support.servers.s3_process import S3Process
from tests.support.servers.s3_server import S3Server


@contextmanager
def mongo(_: Mapping[str, str]) -> Iterator[str]:
    """Run a MongoDB; yield its URL."""
    with _folder() as folder, MongoProcess(folder / "mongo") as process:
        yield process.url


@contextmanager
def s3(_: Mapping[str, str]) -> Iterator[S3Server]:
    """Run an S3 server."""
    with _folder() as folder, S3Process(folder / "s3") as process:
        yield process.server


@contextmanager
def _folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="dialtone-test-server-", ignore_cleanup_errors=True) as name:
        yield Path(name)
