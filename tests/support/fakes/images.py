from collections.abc import Sequence
from contextlib import nullcontext

from adapters.media.pillow import PillowImagePublisher, decoder
from adapters.media.pillow.processes import DecoderProcesses
from adapters.media.pillow.publisher import Measure
from adapters.media.pillow.tasks import Answer, Task
from application.features.media.fair_queue import FairQueue
from application.features.media.limits import PixelAllowance
from domain.features.media.image import ImageLimits, SourceFormat


class _NoProcesses(DecoderProcesses):
    """Works at once, without a process."""

    async def run(self, task: Task, files: Sequence[int]) -> Answer:
        return decoder.answer(task, list(files))


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
    decoding = FairQueue(max_running=1, max_pixels=limits.max_pixels)
    processes = processes or _NoProcesses(limits.max_pixels, limits.max_seconds)
    return PillowImagePublisher(limits, processes, decoding, allowance, formats, measure)
