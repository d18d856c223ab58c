"""Every form of an upload, valid or invalid, gets a response of ours and leaves nothing behind."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import pytest

from domain.features.media.item import ItemState
from entrypoints.http.features.media.upload_form import (
    MAX_FORM_OVERHEAD_BYTES,
    MAX_PART_HEADER_BYTES,
    MAX_PART_HEADERS,
    MAX_PARTS,
)
from tests.integration.entrypoints.http.uploads import (
    BOUNDARY,
    CONTENT_TYPE,
    END,
    GIF,
    file_part,
    form,
    part,
    user_part,
)
from tests.integration.http_driver import HttpDriver, Response, open_http_driver
from tests.support.http_settings import make_http_settings
from tests.support.media.stored import stored_items

LIMIT: Final = 2_000_000
MAX_BYTES: Final = LIMIT + MAX_FORM_OVERHEAD_BYTES
FILE_NAMES: Final = (
    'name="file"; filename="IMG_0001.JPG"',
    "name=file; filename=a.gif",
    'name="file"; filename="say \\"hi\\".gif"',
    'name="file"; filename="100%22.gif"',
    'name="file"; filename="\u0930.gif"; filename*=UTF-8\'\'%E0%A4%B0.gif',
    'filename="a;b.gif"; name="file"',
    "name=file; filename*=UTF-8''%E0%A4%B0.gif",  # urllib3 before 1.25
    "name=\"file\"; filename*=iso-8859-1'en'%E9.gif",
    'name="file"; filename*="UTF-8\'\'%E9.gif"',  # Apache HttpClient
    "name=\"file\"; FileName* = UTF-8''%ZZ%",
    'name="file"; filename=""; filename*=a.gif',
    'name="file"; filename*=UTF-8\'\'; filename="a.gif"',
    "name*=utf-8''file; filename*0*=utf-8''; filename*1=a.gif",
    "name=\"file\"; filename*=nonsense''\xe9",
)
IGNORED_PARTS: Final = (
    part('name="note"', b"ignored"),
    part('name="note"; filename="note.txt"', b"ignored too", "Content-Type: text/plain\r\n"),
    part('name="empty"', b""),
    part('name="like the end"', b"\r\n--" + BOUNDARY.encode()[:-1] + b"\r\n-\r"),
    part('name="long"', b"\xc3\xa9" * 5000),
)


class UploadDriver:
    """Uploads images as one signed-in user."""

    def __init__(self, driver: HttpDriver) -> None:
        self._driver = driver
        self._token = driver.token()
        (self.user_id,) = driver.harness.database.identities

    def post(
        self,
        chunks: Sequence[bytes],
        content_type: str = CONTENT_TYPE,
        *,
        content_length: int | None = None,
        disconnects: bool = False,
    ) -> Response:
        """Send a form; the response is without the fields that differ for each item."""
        length = sum(map(len, chunks)) if content_length is None else content_length
        headers = {
            "authorization": f"Bearer {self._token}",
            "content-type": content_type,
            "content-length": str(length),
        }
        response = self._driver.send(
            "POST", "/library/upload", chunks, headers, disconnects=disconnects
        )
        for name in ("id", "url", "created_at"):
            response.body.pop(name, None)
        return response

    def count_items(self) -> Counter[str]:
        """Count the items by state; check that each has its file and that no other file exists."""
        database = self._driver.harness.database
        items = [versioned.value for versioned in stored_items(database).values()]
        assert {item.storage_key for item in items} == set(self._driver.harness.files.contents)
        return Counter(item.state.value for item in items)


@pytest.fixture(scope="module")
def uploads() -> Iterator[UploadDriver]:
    with open_http_driver(
        make_http_settings(variables={"DIALTONE_MAX_UPLOAD_SIZE": str(LIMIT)})
    ) as driver:
        uploads = UploadDriver(driver)
        yield uploads
        assert set(uploads.count_items()) <= {ItemState.READY.value}


def complete_form(user_id: str, file_name: str = FILE_NAMES[0]) -> bytes:
    parts = form(user_part(user_id), *IGNORED_PARTS, file_part(name=file_name))
    return b"of\r\ntwo lines\r\n" + parts + b"\r\nan epilogue\r\n"


def in_chunks(body: bytes, length: int) -> list[bytes]:
    return [body[start : start + length] for start in range(0, len(body), length)]


def lengths_of_parts(body: bytes) -> list[int]:
    """Return lengths that end in each line of the form, and at each byte of its end."""
    last_bytes = range(len(body) - len(END) - 1, len(body))
    return [*range(1, last_bytes[0], 19), *last_bytes]


def assert_malformed(response: Response) -> None:
    (error,) = response.body["field_errors"]
    assert (response.status, error["code"]) == (400, "invalid_form")


def test_a_form_that_ends_at_any_byte_is_rejected_and_leaves_nothing(uploads: UploadDriver) -> None:
    body = form(user_part(uploads.user_id), file_part())
    before = uploads.count_items()
    for length in lengths_of_parts(body):
        assert_malformed(uploads.post([body[:length]]))
    for length in (0, len(body) // 2, len(body) - 1, len(body)):
        assert uploads.post([body[:length]], disconnects=True).status == 400
    other_boundary = f"multipart/form-data; boundary={BOUNDARY[:-1]}"
    assert_malformed(uploads.post([body], other_boundary))
    assert uploads.count_items() == before


def test_the_content_length_of_a_part_is_ignored(uploads: UploadDriver) -> None:
    for lengths in ("92", str(len(GIF) + 1), "-1", "x", "", "1\r\ncontent-length : 2"):
        headers = f"Content-Length: {lengths}\r\nContent-Type: image/gif\r\n"
        file = part('name="file"; filename="a.gif"', GIF, headers)
        response = uploads.post([form(user_part(uploads.user_id), file)])
        assert (response.status, response.body.get("type")) == (201, "gif"), lengths


@pytest.mark.parametrize("file_name", FILE_NAMES)
def test_a_complete_form_is_accepted_in_any_chunks(uploads: UploadDriver, file_name: str) -> None:
    body = complete_form(uploads.user_id, file_name)
    for length in (7, len(body)):
        response = uploads.post(in_chunks(body, length))
        assert (response.status, response.body["type"]) == (201, "gif")


def test_a_text_of_another_charset_is_an_error_that_says_so(uploads: UploadDriver) -> None:
    text = part('name="category"', b"Zo\xeb")
    other = part('name="category"', b"a", "Content-Type: text/plain; charset=utf-16\r\n")
    for sent in (text, other):
        response = uploads.post([form(user_part(uploads.user_id), file_part(), sent)])
        (error,) = response.body["field_errors"]
        assert (response.status, error["code"]) == (400, "invalid_form")
        assert "UTF-8" in error["message"]


def test_a_text_may_say_that_it_is_latin_1(uploads: UploadDriver) -> None:
    """Apache HttpClient says so of each text, also of an id."""
    charset = "Content-Type: text/plain; charset=ISO-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n"
    texts = [
        part('name="user_id"', uploads.user_id.encode(), charset),
        part('name="category"', b"Zo\xeb", charset),
    ]
    response = uploads.post([form(*texts, file_part())])
    assert (response.status, response.body["category"]) == (201, "Zo\xeb")


def test_a_text_beside_the_file_is_ignored(uploads: UploadDriver) -> None:
    """Clients in Dart by openapi-generator send the name of the field as a text."""
    text = part('name="file"', b"file")
    for parts in ([text, file_part()], [file_part(), text]):
        assert uploads.post([form(user_part(uploads.user_id), *parts)]).status == 201


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (file_part(), file_part()),
        (user_part("0" * 24), part('name="user_id"; filename="a"', b"")),
    ],
)
def test_a_field_that_is_sent_twice_is_named(
    uploads: UploadDriver, first: bytes, second: bytes
) -> None:
    name = first.split(b'"')[1].decode()
    others = [
        sent
        for sent in (user_part(uploads.user_id), file_part())
        if sent.split(b'"')[1].decode() != name
    ]
    response = uploads.post([form(*others, first, second)])
    assert response.status == 400
    message = "Send this only once."
    assert response.body["field_errors"] == [
        {"field": name, "code": "repeated_field", "message": message}
    ]


def test_what_is_over_a_limit_of_the_form_is_not_malformed(uploads: UploadDriver) -> None:
    ours = (user_part(uploads.user_id), file_part())
    too_many = [*ours, *[IGNORED_PARTS[0]] * (MAX_PARTS - 2)]
    assert uploads.post([form(*too_many)]).status == 201
    long_name = 'name="file"; filename="' + "a" * 10_000 + '.gif"'
    headers = [f"X-{number}: a\r\n" for number in range(MAX_PART_HEADERS)]
    for body, limit in (
        (form(*too_many, IGNORED_PARTS[0]), MAX_PARTS),
        (form(ours[0], file_part(name=long_name)), MAX_PART_HEADER_BYTES),
        (form(*ours, part('name="a"', b"", f"X-A: {'a' * 200_000}\r\n")), MAX_PART_HEADER_BYTES),
        (form(*ours, part('name="a"', b"", "".join(headers))), MAX_PART_HEADERS),
        (form(*ours, part('name="a"', bytes(MAX_BYTES))), MAX_BYTES),
    ):
        response = uploads.post([body], content_length=0)
        assert (response.status, response.body["code"]) == (413, "form_too_large")
        assert str(limit) in response.body["error"]


def test_a_file_may_be_exactly_as_large_as_the_limit(uploads: UploadDriver) -> None:
    for extra_bytes, content_length, status in (
        (0, 0, 201),
        (0, MAX_BYTES, 201),
        (0, MAX_BYTES + 1, 413),  # what the header says is enough
        (1, 0, 413),
    ):
        content = GIF[:-2] + b"\0" * (LIMIT - len(GIF) + extra_bytes) + GIF[-2:]
        body = form(user_part(uploads.user_id), file_part(content))
        response = uploads.post([body], content_length=content_length)
        assert response.status == status
        assert response.body.get("limit") == (LIMIT if status == 413 else None)
