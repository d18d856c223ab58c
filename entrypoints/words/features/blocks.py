"""Blocks in words, for `dialtone` and the web console."""

from domain.features.blocks.block import Block
from entrypoints.words.user_words import format_time


def describe_block(block: Block) -> str:
    """Say what is blocked until when, and why.

    Example: `68b1… prefix +4479, until 2026-05-01 09:30:00 UTC: ticket 4711`.
    """
    return f"{block.id}  {block.subject}, until {format_time(block.ends_at)}: {block.reason}"
