from domain.media.image import ImageFormat, ImageLimits, MediaKind


def test_each_format_has_its_kind_type_and_suffix() -> None:
    facts = {each: (each.kind, each.content_type, each.suffix) for each in ImageFormat}
    assert facts == {
        ImageFormat.JPEG: (MediaKind.IMAGE, "image/jpeg", ".jpg"),
        ImageFormat.PNG: (MediaKind.IMAGE, "image/png", ".png"),
        ImageFormat.GIF: (MediaKind.GIF, "image/gif", ".gif"),
    }


def test_the_default_image_limits() -> None:
    assert ImageLimits() == ImageLimits(
        max_pixels=50_000_000,
        max_frames=500,
        max_total_pixels=150_000_000,
        max_seconds=20.0,
        max_bytes=67_108_864,
    )
