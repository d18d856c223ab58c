from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import ParamSpec, TypeVar

from adapters.media.pillow import PillowImagePublisher, decoder
from adapters.media.pillow.processes import DecoderProcesses
from adapters.media.pillow.publisher import Measure
from adapters.media.pillow.tasks import Answer, Task
from adapters.media.temporary_files import LocalTemporaryFiles
from adapters.shared.threads import DiskThreads
from application.features.media.limits import DecodingLimiter, PixelAllowance
from domain.features.media.image import ImageLimits, SourceFormat

P = ParamSpec("P")
T = TypeVar("T")


class _NoProcesses(DecoderProcesses):
    """Works at once, without a process."""

    async def run(self, task: Task, files: Sequence[int]) -> Answer:
        return decoder.answer(task, list(files))


class _NoThreads(DiskThreads):
    """Makes each call at once, without a thread."""

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)


def temporary_files() -> LocalTemporaryFiles:
    """Return temporary files without threads."""
    return LocalTemporaryFiles(_NoThreads("temporary_files", 1, 60))


def image_publisher(
    limits: ImageLimits | None = None,
    processes: DecoderProcesses | None = None,
    formats: frozenset[SourceFormat] = frozenset(SourceFormat),
    measure: Measure = nullcontext,
    allowance: PixelAllowance | None = None,
) -> PillowImagePublisher:
    """Return a publisher without processes, or with these."""
    decoder.configure_decoders()
    limits = limits or ImageLimits()
    decoding = DecodingLimiter(max_images=1, max_pixels=limits.max_pixels)
    processes = processes or _NoProcesses(limits.max_pixels, limits.max_seconds)
    return PillowImagePublisher(
        limits, processes, decoding, temporary_files(), allowance, formats, measure
    )
