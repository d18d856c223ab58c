"""Images, decoded and encoded by Pillow.

`jpeg`, `png` and `gif` first parse each file. They count pixels and frames, and drop all metadata.
Pillow decodes only what is left: the data of the pixels.
"""

from adapters.pillow.publisher import PillowImagePublisher, open_image_publisher

__all__ = ["PillowImagePublisher", "open_image_publisher"]
