"""Frames of an animated PNG as a viewer shows them.

Pillow squares the opacity of a frame that is drawn over another one, and fills what is cleared in
an image with a palette with its first color. So it decodes each frame alone.
"""

import io
from collections.abc import Iterator
from typing import Any

import PIL.Image
from PIL import ImageFile
from PIL.PngImagePlugin import PngImageFile

from adapters.pillow.colors import add_properties, normalize
from adapters.pillow.limits import LimitChecker
from adapters.pillow.png import PngFrame, read_png

_CLEAR, _RESTORE = 1, 2
_OVER = 1
_MAX_PLAYS = 65_535


class PngAnimation:
    """An animated PNG. Its metadata is that of the image, which is not decoded."""

    def __init__(
        self, content: bytes, image: PIL.Image.Image, size: tuple[int, int], limits: LimitChecker
    ) -> None:
        """Show the file's frames; `size` is that of the upright animation."""
        self.size = size
        self._content = content
        self._png = read_png(content, limits)
        self._limits = limits
        self.count = len(self._png.frames)
        self._orientation: dict[str | tuple[int, int], Any] = {
            name: image.info.get(name) for name in ("exif", "xmp")
        }

    @property
    def repetitions(self) -> int | None:
        plays = min(self._png.plays, _MAX_PLAYS)
        return plays - 1 or None if plays else 0

    def frames(self) -> Iterator[PIL.Image.Image]:
        canvas = PIL.Image.new("RGBA", (self._png.width, self._png.height))
        for frame in self._png.frames:
            before = canvas.copy() if frame.disposal == _RESTORE else None
            drawn = self._decode(frame)
            if frame.blending == _OVER:
                canvas.alpha_composite(drawn, frame.box[:2])
            else:
                canvas.paste(drawn, frame.box)
            del drawn
            shown = canvas.copy()
            shown.info.update(self._orientation)
            shown = normalize(shown)
            shown.info = {"duration": frame.duration}
            yield shown
            if before is not None:
                canvas = before
            elif frame.disposal == _CLEAR:
                canvas.paste((0, 0, 0, 0), frame.box)

    def _decode(self, frame: PngFrame) -> PIL.Image.Image:
        ImageFile.LOAD_TRUNCATED_IMAGES = True  # for broken metadata
        file = self._png.frame_file(self._content, frame)
        image = PngImageFile(io.BytesIO(file))
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        add_properties(image, file, self._limits)
        return normalize(image).convert("RGBA")
