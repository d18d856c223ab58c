"""Limits that the server has to know, in a module that imports nothing."""

from typing import Final

MAX_JSON_BYTES: Final = 64 * 1024
"""Of all request bodies but uploads."""
