from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from adapters.pillow import PillowImagePublisher
from adapters.pillow.fair_queue import FairQueue
from adapters.pillow.pixel_allowance import PixelAllowance
from domain.media.image import ImageLimits


class _InlinePool(ThreadPoolExecutor):
    """Works at once, without a thread."""

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*arguments, **options))
        except Exception as error:  # noqa: BLE001 -- it is raised in the caller
            future.set_exception(error)
        return future


def image_publisher() -> PillowImagePublisher:
    """Return a publisher without threads."""
    limits = ImageLimits()
    decoding = FairQueue(max_running=1, max_pixels=limits.max_pixels)
    return PillowImagePublisher(limits, _InlinePool(), decoding, PixelAllowance(10**12))
