"""Large response bodies in small chunks."""

from collections.abc import Awaitable
from typing import Final

from entrypoints.http.requests.middleware import AsgiMessage, AsgiSend

_MAX_CHUNK_BYTES: Final = 16 * 1024
"""The server copies what it gets, and has up to ten chunks for each client that reads slowly."""
_MAX_UNDIVIDED_BYTES: Final = 64 * 1024
"""A whole body of this size is sent at once, which is faster."""


def in_chunks(send: AsgiSend) -> AsgiSend:
    """Return a function that sends ASGI messages, and large response bodies in chunks.

    So the server has only a part of them in memory.
    """

    # No coroutine of its own: two messages of each response pass here.
    def send_in_chunks(message: AsgiMessage) -> Awaitable[None]:
        is_part = message.get("more_body", False)
        maximum = _MAX_CHUNK_BYTES if is_part else _MAX_UNDIVIDED_BYTES
        is_small = len(message.get("body", b"")) <= maximum
        return send(message) if is_small else _send_divided(send, message)

    return send_in_chunks


async def _send_divided(send: AsgiSend, message: AsgiMessage) -> None:
    content = message["body"]
    for start in range(0, len(content), _MAX_CHUNK_BYTES):
        end = start + _MAX_CHUNK_BYTES
        chunk = bytes(content[start:end])
        more_body = end < len(content) or message.get("more_body", False)
        await send({"type": message["type"], "body": chunk, "more_body": more_body})
