"""Images, decoded and encoded by Pillow in processes that can be stopped.

`publisher` is the service's side: it asks `processes` to count the pixels of an upload and then to
encode it. `decoder` is the other side. `header` counts pixels, frames and scans in one pass. Pillow
decodes. `colors` applies the orientation and converts to sRGB; it finds out how in `png_colors`,
`avif_properties` and `color_spaces`, and converts by `icc_profiles` and `tone_mapping`. `stills`,
`animations` and `variants` encode the results without metadata.
"""

from adapters.pillow.publisher import PillowImagePublisher, open_image_publisher

__all__ = ["PillowImagePublisher", "open_image_publisher"]
