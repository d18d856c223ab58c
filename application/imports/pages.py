"""Importing the rows of a page at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

R = TypeVar("R")
T = TypeVar("T")


async def import_page(
    page: Sequence[R], parallel: int, import_row: Callable[[R], Awaitable[T | None]]
) -> list[T]:
    """Import all rows, up to `parallel` at the same time; return the results that are not None.

    After an error no other rows begin, and those under way are finished.
    """
    imported: list[T] = []
    for start in range(0, len(page), parallel):
        rows = page[start : start + parallel]
        results = await asyncio.gather(*map(import_row, rows), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
            if result is not None:
                imported.append(result)
    return imported
