"""Media stores that do not answer, with the one of ours that is a server."""

from collections.abc import Iterator
from typing import Final

import pytest

from adapters.media.s3 import S3Timeouts
from tests.contract.suites.media.media_store import Store
from tests.contract.suites.media.test_media_outages import *
from tests.contract.test_media_files import S3Store
from tests.support.servers.http_server import TcpProxy
from tests.support.servers.s3 import S3Server

TIMEOUTS: Final = S3Timeouts(read=3, total=6, write=8)


@pytest.fixture
def outage_store(s3_server: S3Server) -> Iterator[Store]:
    with TcpProxy(s3_server.endpoint) as relay:
        yield S3Store(s3_server, relay, TIMEOUTS)
