"""Files that Pillow writes encoded images to."""

import os
import tempfile
from typing import BinaryIO


def open_scratch_file() -> BinaryIO:
    """Open an unnamed file, in memory if the system supports that.

    Pillow's encoders release the GIL while they write to a file, but not while they fill a buffer:
    then they block the event loop, and encode one image at a time.
    """
    create_in_memory = getattr(os, "memfd_create", None)
    if create_in_memory is None:
        return tempfile.TemporaryFile()
    return os.fdopen(create_in_memory("image"), "w+b")
