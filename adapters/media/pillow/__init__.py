"""Images, decoded and encoded by Pillow in processes that can be stopped.

`publisher` is the service's side: it asks `processes` to count the pixels of an upload and then to
encode it. `decoder` is the other side. `header` counts pixels, frames and scans in one pass, by
`jpeg`, `png`, `gif` and `heic`. Pillow decodes. `colors` applies the orientation and converts to
sRGB. `stills`, `animations` and `variants` encode the results without metadata.
"""

from adapters.media.pillow.publisher import PillowImagePublisher, open_image_publisher

__all__ = ["PillowImagePublisher", "open_image_publisher"]
