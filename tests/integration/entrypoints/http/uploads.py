"""Multipart forms of uploads."""

from typing import Final

from tests.support.images import still_gif

BOUNDARY: Final = "a-boundary"
CONTENT_TYPE: Final = f"multipart/form-data; boundary={BOUNDARY}"
GIF: Final = still_gif()
END: Final = f"\r\n--{BOUNDARY}--".encode()


def part(disposition: str, content: bytes, headers: str = "") -> bytes:
    """Return a part of a form with the boundary before it; it has these parameters and headers."""
    disposition = f"Content-Disposition: form-data; {disposition}"
    return f"--{BOUNDARY}\r\n{disposition}\r\n{headers}\r\n".encode() + content


def user_part(user_id: str) -> bytes:
    """Return the field `user_id`."""
    return part('name="user_id"', user_id.encode())


def category_part(text: str) -> bytes:
    """Return the field `category`."""
    return part('name="category"', text.encode())


def file_part(content: bytes = GIF, name: str = 'name="file"; filename="IMG_0001.JPG"') -> bytes:
    """Return the part with the file."""
    return part(name, content, "Content-Type: image/gif\r\n")


def form(*parts: bytes) -> bytes:
    """Return a complete body."""
    return b"\r\n".join(parts) + END
