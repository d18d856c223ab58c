"""Returning free memory to the operating system."""

import ctypes
from typing import Final

_C_LIBRARY: Final = ctypes.CDLL(None)


def return_free_memory() -> None:
    """Return the memory of images that were freed, if the C library can do that.

    glibc keeps freed blocks for later. After a large image these are hundreds of megabytes. Other
    C libraries have no such function.
    """
    trim = getattr(_C_LIBRARY, "malloc_trim", None)
    if trim is not None:
        trim(0)
