import asyncio
import os
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from adapters.media.pillow import PillowImagePublisher, open_image_publisher
from adapters.media.pillow.processes import DecoderProcesses
from application.features.media.limits import PixelAllowance
from domain.errors import Unavailable
from domain.features.media.errors import InvalidImage, TooManyPixels
from domain.features.media.image import ImageLimits
from tests.integration.adapters.media.pillow.image_publishing import publish_by
from tests.support.fakes.images import image_publisher, temporary_files
from tests.support.images import (
    animated_gif,
    encode,
    plain_jpeg,
    still_gif,
)


async def test_the_pixels_of_an_identity_are_limited() -> None:
    allowance = PixelAllowance(3 * 64 * 48, time.monotonic)  # three frames
    publisher = image_publisher(allowance=allowance)
    await publish_by(publisher, animated_gif(), 1)
    with pytest.raises(TooManyPixels) as raised:
        await publish_by(publisher, still_gif(), 1)
    assert 0 < raised.value.retry_after <= 3660
    await publish_by(publisher, still_gif(), 2)


def decoder_pids() -> set[int]:
    """Return the decoder processes of this process."""
    pids = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # threads and processes may end
            for pid in (task / "children").read_text().split():
                if b"pillow.decoder" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    pids.add(int(pid))
    return pids


async def stop_decoder(publisher: PillowImagePublisher) -> int:
    """Start a decoder process and stop it while it is idle; return its id."""
    others = decoder_pids()
    await publish_by(publisher, still_gif())
    (pid,) = decoder_pids() - others
    os.kill(pid, signal.SIGSTOP)
    return pid


async def publish_with_signals(publisher: PillowImagePublisher, *signals: signal.Signals) -> None:
    """Publish while the decoder is stopped, and send it these signals when it has its task."""
    pid = await stop_decoder(publisher)
    has_task, send = asyncio.Event(), socket.send_fds

    def send_task(*arguments: Any) -> int:
        sent = send(*arguments)
        has_task.set()
        return sent

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "send_fds", send_task)
        publishing = asyncio.create_task(publish_by(publisher, plain_jpeg()))
        await has_task.wait()
        for number in signals:
            os.kill(pid, number)
        await publishing


async def test_a_decoder_that_ends_is_replaced_and_an_image_that_crashes_it_is_broken() -> None:
    async with open_image_publisher(ImageLimits(), temporary_files()) as publisher:
        with pytest.raises(InvalidImage, match="broken"):
            await publish_with_signals(publisher, signal.SIGSEGV, signal.SIGCONT)

        # Others ended it: that is no error of the image.
        with pytest.raises(Unavailable) as raised:
            await publish_with_signals(publisher, signal.SIGKILL)
        assert str(raised.value.__cause__) == "The decoder process ended with signal 9."

        idle = await stop_decoder(publisher)
        os.kill(idle, signal.SIGKILL)
        await asyncio.to_thread(os.waitid, os.P_PID, idle, os.WEXITED | os.WNOWAIT)
        await publish_by(publisher, plain_jpeg())


@pytest.mark.slow
async def test_a_process_without_enough_memory_fails_one_image_only() -> None:
    upload = encode(Image.new("RGB", (6000, 4000)), "PNG", compress_level=1)
    processes = DecoderProcesses(-12_000_000, 60)  # 28 MB
    publisher = image_publisher(processes=processes)
    with pytest.raises(InvalidImage, match="too much time or memory"):
        await publish_by(publisher, upload)

    await publish_by(publisher, plain_jpeg())
    await publisher.close()
