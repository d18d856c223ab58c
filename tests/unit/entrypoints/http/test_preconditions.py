"""Conditional requests and ranges, as nginx answers them, and who gets compressed content."""

from datetime import UTC, datetime

import pytest
from litestar.datastructures import Headers

from entrypoints.http.errors.exceptions import PreconditionFailed, RangeNotSatisfiable
from entrypoints.http.responses.preconditions import Validators
from entrypoints.http.responses.served_files import prefers_gzip

ETAG = '"1-ab.jpg"'
FILE = Validators(ETAG, datetime(2026, 5, 1, 9, 30, tzinfo=UTC))
AT, BEFORE = "Fri, 01 May 2026 09:30:00 GMT", "Fri, 01 May 2026 09:29:59 GMT"


def test_validators_are_headers() -> None:
    assert FILE.headers == {"ETag": ETAG, "Last-Modified": AT}


@pytest.mark.parametrize(
    ("headers", "is_not_modified"),
    [
        ({}, False),
        ({"if-none-match": f'"other", W/{ETAG}'}, True),
        ({"if-none-match": "*"}, True),
        ({"if-none-match": '"other"', "if-modified-since": AT}, False),
        ({"if-modified-since": AT}, True),
        ({"if-match": f'"other", {ETAG}', "if-unmodified-since": BEFORE}, False),
        ({"if-unmodified-since": AT}, False),
        ({"if-modified-since": BEFORE}, False),
        ({"if-match": "*", "if-modified-since": f"Fri, 01 May {'9' * 20} 09:30:00 GMT"}, False),
    ],
)
def test_a_file_that_the_client_has_is_not_modified(
    headers: dict[str, str], *, is_not_modified: bool
) -> None:
    assert FILE.is_not_modified(Headers(headers)) is is_not_modified


@pytest.mark.parametrize(
    "headers", [{"if-match": f'W/{ETAG}, "other"'}, {"if-unmodified-since": BEFORE}]
)
def test_a_client_that_wants_another_file_gets_an_error(headers: dict[str, str]) -> None:
    with pytest.raises(PreconditionFailed):
        FILE.is_not_modified(Headers(headers))


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=10-", (10, 100)),
        ("Bytes= 10-19 ", (10, 20)),
        ("bytes=90-999", (90, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-999", (0, 100)),
        ("bytes=20-10", None),
        ("bytes=0-1,5-6", None),
        ("pages=1-2", None),
    ],
)
def test_a_range_names_bytes_or_is_ignored(value: str, part: tuple[int, int] | None) -> None:
    assert FILE.find_range({"range": value}, 100) == part


def test_a_range_after_the_end_is_an_error() -> None:
    for value in ("bytes=100-", "bytes=-0"):
        with pytest.raises(RangeNotSatisfiable) as error:
            FILE.find_range({"range": value}, 100)
        assert error.value.size == 100


@pytest.mark.parametrize(
    ("if_range", "is_used"),
    [(ETAG, True), (AT, True), (f"W/{ETAG}", False), ('"other"', False), (BEFORE, False)],
)
def test_a_range_is_used_only_if_the_file_is_the_same(if_range: str, *, is_used: bool) -> None:
    headers = {"range": "bytes=0-9", "if-range": if_range}
    assert FILE.find_range(headers, 100) == ((0, 10) if is_used else None)


# Compressed content (RFC 9110 §12.5.3)


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
