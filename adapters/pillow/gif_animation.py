"""Frames of a GIF as browsers show them.

Pillow merges all frames into one image. A merged image with a palette has one transparent index,
but each frame may have another one, or use it as a color. What a frame leaves free is transparent
in browsers, and has the first color there. So where that matters, each frame is decoded alone.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass

import PIL.Image
from PIL.GifImagePlugin import GifImageFile

from adapters.pillow.animations import PillowAnimation
from adapters.pillow.gif import CLEAR, RESTORE, Gif, GifFrame


@dataclass(frozen=True, slots=True)
class GifAnimation(PillowAnimation):
    """A GIF whose frames cannot be merged by their indexes."""

    content: bytes
    gif: Gif

    def frames(self) -> Iterator[PIL.Image.Image]:
        canvas = PIL.Image.new("RGBA", self.size)
        for frame in self.gif.frames:
            before = canvas.copy() if frame.disposal in RESTORE else None
            drawn = self._decode(frame)
            canvas.paste(drawn, frame.box, drawn)
            shown = canvas.copy()
            shown.info = {"duration": frame.duration}
            yield shown
            if before is not None:
                canvas = before
            elif frame.disposal == CLEAR:
                canvas.paste((0, 0, 0, 0), frame.box)

    def _decode(self, frame: GifFrame) -> PIL.Image.Image:
        image = GifImageFile(io.BytesIO(self.gif.frame_file(self.content, frame)))
        return image.convert("RGBA")
