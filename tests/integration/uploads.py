"""Uploads of one signed-in user, and multipart forms, valid and invalid."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from hypothesis import strategies as st

from domain.media.item import ItemState
from entrypoints.http.dependencies import HttpSettings
from tests.integration.http_driver import HttpDriver, Response, open_http_driver
from tests.support.images import gif, gif_frame

LIMIT: Final = 2_000_000
BOUNDARY: Final = "a-boundary"
CONTENT_TYPE: Final = f"multipart/form-data; boundary={BOUNDARY}"
_UNIQUE_FIELDS: Final = ("id", "url", "created_at")

GIF: Final = gif(64, 48, [gif_frame(0, 0, 64, 48)])
END: Final = f"\r\n--{BOUNDARY}--".encode()
FILE_NAMES: Final = (
    'name="file"; filename="IMG_0001.JPG"',
    "name=file; filename=a.gif",
    'name="file"; filename="C:\\\\pictures\\\\a.gif"',
    'name="file"; filename="say \\"hi\\".gif"',
    'name="file"; filename="100%22.gif"',
    'name="file"; filename="\u0930.gif"; filename*=UTF-8\'\'%E0%A4%B0.gif',
    'filename="a;b.gif"; name="file"',
)
PREAMBLES: Final = (b"", b"\r\n", b"a preamble\r\n", b"of\r\ntwo lines\r\n")
EPILOGUES: Final = (b"", b"\r\n", b"\r\nan epilogue\r\n", b"--" + BOUNDARY.encode())


class UploadDriver:
    """Uploads images as one signed-in user."""

    def __init__(self, driver: HttpDriver) -> None:
        self._driver = driver
        self._token = driver.token()
        (owner,) = driver.house.database.identities
        self.user_id = owner

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
        body = {name: value for name, value in response.body.items() if name not in _UNIQUE_FIELDS}
        return replace(response, body=body)

    def count_items(self) -> Counter[str]:
        """Count the items by state; check that each has its file and that no other file exists."""
        database = self._driver.house.database
        items = [versioned.value for versioned in database.media_items.values()]
        assert {item.storage_key for item in items} == set(self._driver.house.files.contents)
        return Counter(item.state.value for item in items)


@contextmanager
def open_upload_driver() -> Iterator[UploadDriver]:
    """Run the application; at the end of the block, all items must be ready."""
    with open_http_driver(HttpSettings("1", "http://test", LIMIT)) as driver:
        uploads = UploadDriver(driver)
        yield uploads
        assert set(uploads.count_items()) <= {ItemState.READY.value}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a form: the parameters of Content-Disposition, other headers, the content."""

    disposition: str
    content: bytes
    headers: str = ""

    def encode(self) -> bytes:
        """Return the part with the boundary before it."""
        head = (
            f"--{BOUNDARY}\r\n"
            f"Content-Disposition: form-data; {self.disposition}\r\n{self.headers}\r\n"
        )
        return head.encode() + self.content


def form(*parts: Part, preamble: bytes = b"", epilogue: bytes = b"") -> bytes:
    """Return a complete body."""
    return preamble + b"\r\n".join(part.encode() for part in parts) + END + epilogue


def user_part(user_id: str) -> Part:
    """Return the field `user_id`."""
    return Part('name="user_id"', user_id.encode())


def category_part(text: str) -> Part:
    """Return the field `category`."""
    return Part('name="category"', text.encode())


def file_part(content: bytes = GIF, disposition: str = FILE_NAMES[0]) -> Part:
    """Return the part with the file."""
    return Part(disposition, content, "Content-Type: image/gif\r\n")


IGNORED_PARTS: Final = (
    Part('name="type"', b"image"),
    Part('name="note"', b"ignored"),
    Part('name="note"; filename="note.txt"', b"ignored too", "Content-Type: text/plain\r\n"),
    Part('name="empty"', b""),
    Part('name="like the end"', b"\r\n--" + BOUNDARY.encode()[:-1] + b"\r\n-\r"),
    Part('name="long"', b"\xc3\xa9" * 5000),
)


@st.composite
def complete_forms(draw: st.DrawFn, user_id: str) -> bytes:
    """Valid forms of this user: parts in any order, and ignored parts among them."""
    ignored = draw(st.lists(st.sampled_from(IGNORED_PARTS), max_size=4))
    file = file_part(disposition=draw(st.sampled_from(FILE_NAMES)))
    parts = draw(st.permutations([user_part(user_id), file, *ignored]))
    preamble, epilogue = draw(st.sampled_from(PREAMBLES)), draw(st.sampled_from(EPILOGUES))
    return form(*parts, preamble=preamble, epilogue=epilogue)


@st.composite
def damaged_forms(draw: st.DrawFn, user_id: str) -> bytes:
    """Forms in which bytes were removed, inserted or changed."""
    body = bytearray(draw(complete_forms(user_id)))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(body)))
        length = draw(st.integers(0, 4))
        body[start : start + length] = draw(
            st.binary(max_size=4) | st.sampled_from([b"\r", b"\n", b"--", END, b"\0", b'"', b"%22"])
        )
    return bytes(body)


def chunkings(body: bytes) -> st.SearchStrategy[list[bytes]]:
    """The body in chunks of any sizes, empty ones among them."""
    any_cuts = st.lists(st.integers(0, len(body)), max_size=12).map(sorted)
    even_cuts = st.integers(1, 40).map(lambda length: list(range(0, len(body), length)))
    return (any_cuts | even_cuts).map(
        lambda cuts: [
            body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)
        ]
    )
