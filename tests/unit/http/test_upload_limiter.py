"""Uploads are admitted while there is room for them, and one user cannot have all of it."""

import os
import subprocess
import sys
from contextlib import ExitStack

import pytest

from domain.errors import NoUploadSpace, TooManyUploads
from entrypoints.http.library.upload_limiter import (
    IdentityLocks,
    UploadLimiter,
    open_lock_file,
)

OTHER_PROCESS = """
import sys
from entrypoints.http.library.upload_limiter import IdentityLocks, UploadLimiter

limiter = UploadLimiter(9, 1000, IdentityLocks(int(sys.argv[1])), lambda: None)
with limiter.admit("a"), limiter.admit("b"):
    print("admitted", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def uploads() -> ExitStack:
    """The uploads of a test, in the order in which they began."""
    return ExitStack()


def limiter(max_uploads: int = 9) -> UploadLimiter:
    """Return a limiter on a disk without a size."""
    return UploadLimiter(max_uploads, 1000, IdentityLocks(None), lambda: None)


def test_one_user_has_two_uploads_at_a_time_and_all_users_a_number(uploads: ExitStack) -> None:
    limited = limiter(max_uploads=3)
    uploads.enter_context(limited.admit("a"))
    with limited.admit("a"):
        with pytest.raises(TooManyUploads):
            uploads.enter_context(limited.admit("a"))
        uploads.enter_context(limited.admit("b"))
        with pytest.raises(TooManyUploads):
            uploads.enter_context(limited.admit("c"))
    uploads.enter_context(limited.admit("a"))


@pytest.mark.parametrize(("others", "free"), [("bcd", 100), ("a", 200)])
def test_temporary_files_have_a_maximum_size_of_which_one_user_has_half(
    uploads: ExitStack, others: str, free: int
) -> None:
    limited = limiter()
    for user in others:
        uploads.enter_context(limited.admit(user)).reserve(300)
    with limited.admit("a") as upload:
        with pytest.raises(NoUploadSpace):
            upload.reserve(free + 1)
        upload.reserve(free)


def test_a_reservation_grows_until_the_upload_ends_or_fails() -> None:
    limited = limiter(max_uploads=1)
    with limited.admit("a") as upload:
        for size in (100, 500, 50):
            upload.reserve(size)
        with pytest.raises(NoUploadSpace):
            upload.reserve(501)
        assert upload.reserved_bytes == 500
    with pytest.raises(NoUploadSpace), limited.admit("b") as upload:
        upload.reserve(501)
    with limited.admit("b") as upload:
        upload.reserve(500)


def test_the_space_of_the_disk_counts(uploads: ExitStack) -> None:
    free = [600]
    limited = UploadLimiter(9, 1000, IdentityLocks(None), lambda: free[0])
    first = uploads.enter_context(limited.admit("a"))
    with pytest.raises(NoUploadSpace):
        first.reserve(301)
    first.reserve(300)

    # What is written is no longer free, and what is reserved is not free either.
    first.written_bytes, free[0] = 200, 400
    uploads.enter_context(limited.admit("b")).reserve(300)
    third = uploads.enter_context(limited.admit("c"))
    with pytest.raises(NoUploadSpace):
        third.reserve(1)

    # Another program has used up the rest.
    free[0] = 0
    uploads.close()
    with limited.admit("a") as upload, pytest.raises(NoUploadSpace):
        upload.reserve(1)


def test_the_uploads_of_one_user_in_another_process_count() -> None:
    file = open_lock_file()
    limited = UploadLimiter(9, 1000, IdentityLocks(file), lambda: None)
    with subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS, str(file)],
        pass_fds=[file],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"admitted\n"
        with limited.admit("a"), pytest.raises(TooManyUploads), limited.admit("a"):
            pass
        with limited.admit("c"), limited.admit("c"):
            pass
        other.kill()
    # The process that was killed has no uploads any more.
    with limited.admit("a"), limited.admit("a"):
        pass
    os.close(file)
