"""Forms as clients write them, and as nobody should."""

from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st

from tests.images import gif, gif_frame
from tests.integration.upload_desk import BOUNDARY

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
BEFORE: Final = (b"", b"\r\n", b"a preamble\r\n", b"of\r\ntwo lines\r\n")
AFTER: Final = (b"", b"\r\n", b"\r\nan epilogue\r\n", b"--" + BOUNDARY.encode())


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a form: what its Content-Disposition names, its other headers, its bytes."""

    names: str
    content: bytes
    headers: str = ""

    def written(self) -> bytes:
        """The part with the boundary before it."""
        head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; {self.names}\r\n{self.headers}\r\n"
        return head.encode() + self.content


def form(*parts: Part, before: bytes = b"", after: bytes = b"") -> bytes:
    """A complete body."""
    return before + b"\r\n".join(part.written() for part in parts) + END + after


def user(user_id: str) -> Part:
    """The field that says whose picture it is."""
    return Part('name="user_id"', user_id.encode())


def category(text: str) -> Part:
    """The field that labels it."""
    return Part('name="category"', text.encode())


def picture(content: bytes = GIF, names: str = FILE_NAMES[0]) -> Part:
    """The file."""
    return Part(names, content, "Content-Type: image/gif\r\n")


FURTHER: Final = (
    Part('name="type"', b"image"),
    Part('name="note"', b"passed over"),
    Part('name="note"; filename="note.txt"', b"passed over too", "Content-Type: text/plain\r\n"),
    Part('name="empty"', b""),
    Part('name="like the end"', b"\r\n--" + BOUNDARY.encode()[:-1] + b"\r\n-\r"),
    Part('name="long"', b"\xc3\xa9" * 5000),
)


@st.composite
def complete_forms(draw: st.DrawFn, user_id: str) -> bytes:
    """A form of this user's that is taken: its parts in any order, others among them."""
    further = draw(st.lists(st.sampled_from(FURTHER), max_size=4))
    file = picture(names=draw(st.sampled_from(FILE_NAMES)))
    parts = draw(st.permutations([user(user_id), file, *further]))
    before, after = draw(st.sampled_from(BEFORE)), draw(st.sampled_from(AFTER))
    return form(*parts, before=before, after=after)


@st.composite
def damaged_forms(draw: st.DrawFn, user_id: str) -> bytes:
    """A form that lost bytes, got others, or had some of them changed."""
    body = bytearray(draw(complete_forms(user_id)))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(body)))
        length = draw(st.integers(0, 4))
        body[place : place + length] = draw(
            st.binary(max_size=4) | st.sampled_from([b"\r", b"\n", b"--", END, b"\0", b'"', b"%22"])
        )
    return bytes(body)


def cuts(body: bytes) -> st.SearchStrategy[list[bytes]]:
    """The body as a network may cut it, empty pieces among the others."""
    places = st.lists(st.integers(0, len(body)), max_size=12).map(sorted)
    evenly = st.integers(1, 40).map(lambda length: list(range(0, len(body), length)))
    return (places | evenly).map(
        lambda at: [body[one:other] for one, other in zip([0, *at], [*at, len(body)], strict=True)]
    )
