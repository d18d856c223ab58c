"""Images, decoded and encoded by Pillow.

`jpeg`, `png` and `gif` parse each file first: they count pixels and frames, and keep the parts that
Pillow needs. Pillow applies the orientation and the color profile, and drops the metadata.
"""

from adapters.pillow.publisher import PillowImagePublisher, open_image_publisher

__all__ = ["PillowImagePublisher", "open_image_publisher"]
