"""A body in blocks of one length, however the network cut it."""

from collections.abc import AsyncIterator
from typing import Final

BLOCK: Final = 64 * 1024


async def in_blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Give the same bytes in blocks of `BLOCK`, the last one shorter.

    What a parser lets pass may hang on where its input is cut; the same body has to get the same
    answer each time.
    """
    gathered = bytearray()
    async for chunk in chunks:
        gathered += chunk
        while len(gathered) >= BLOCK:
            yield bytes(gathered[:BLOCK])
            del gathered[:BLOCK]
    if gathered:
        yield bytes(gathered)
