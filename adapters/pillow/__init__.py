"""Pictures, read and written by Pillow.

Every file is first taken apart by code of ours (`jpeg_segments`, `png_chunks`, `gif_blocks`),
which counts pixels and frames and leaves all metadata behind; Pillow gets to see nothing
but what the pixels need.
"""

from adapters.pillow.pictures import PillowImagePublisher, open_image_publisher

__all__ = ["PillowImagePublisher", "open_image_publisher"]
