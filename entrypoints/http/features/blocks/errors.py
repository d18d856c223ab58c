"""Errors of blocks in responses."""

from collections.abc import Mapping
from typing import Final

from domain.features.blocks.errors import BlockNotFound, TooManyBlocks
from entrypoints.http.errors.table import ApiError, ErrorRow

ERRORS: Final[Mapping[type[ApiError], ErrorRow]] = {
    BlockNotFound: ErrorRow(
        404, "block_not_found", "No block with this id is active: it has ended, or never was."
    ),
    TooManyBlocks: ErrorRow(
        409, "too_many_blocks", "50 blocks are active, and there may be no more: end one first."
    ),
}
