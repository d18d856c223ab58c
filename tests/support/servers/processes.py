"""Servers as processes of this machine, out of packages."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.servers.mongo_process import MongoProcess
from tests.support.servers.s3_process import S3Process
from tests.support.servers.s3_server import S3Server


@contextmanager
def mongo(_: Mapping[str, str]) -> Iterator[str]:
    """A MongoDB of packages."""
    with _folder() as folder, MongoProcess(folder / "mongo") as process:
        yield process.url


@contextmanager
def s3(_: Mapping[str, str]) -> Iterator[S3Server]:
    """An S3 server of packages."""
    with _folder() as folder, S3Process(folder / "s3") as process:
        yield process.server


@contextmanager
def _folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="dialtone-test-server-", ignore_cleanup_errors=True) as name:
        yield Path(name)
