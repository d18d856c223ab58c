"""Which clients get compressed content (RFC 9110 §12.5.3)."""

import pytest
from litestar.datastructures import Headers

from entrypoints.http.responses.served_files import prefers_gzip


@pytest.mark.parametrize(
    ("lines", "is_gzipped"),
    [
        ([], False),
        (["gzip, deflate, br, zstd"], True),
        (["deflate", "GZIP ; Q=0.001"], True),
        (["br;q=1.0, *;q=0.1"], True),
        (["gzip; q=0.000, *"], False),
        (["*;q=0"], False),
        (["identity;q=0, *;q=0"], False),
        (["identity, gzip;q=0.5"], False),
        (["identity;q=0.5, gzip;q=0.5"], True),
        (["gzip;q=1.001"], False),
        (["gzip;q=0.5;a=b, ,;,\xe9"], False),
        (["gzipped, x-gzip"], True),
    ],
)
def test_gzip_is_for_clients_that_take_it(lines: list[str], *, is_gzipped: bool) -> None:
    headers = Headers([(b"accept-encoding", line.encode("latin-1")) for line in lines])
    assert prefers_gzip(headers) is is_gzipped
