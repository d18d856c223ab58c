"""What is served, and as what."""

import pytest

from domain.media.picture import MediaKind, PictureFormat, PictureLimits


@pytest.mark.parametrize(
    ("picture_format", "kind", "content_type", "suffix"),
    [
        (PictureFormat.JPEG, MediaKind.IMAGE, "image/jpeg", ".jpg"),
        (PictureFormat.PNG, MediaKind.IMAGE, "image/png", ".png"),
        (PictureFormat.GIF, MediaKind.GIF, "image/gif", ".gif"),
    ],
)
def test_each_format_has_its_kind_type_and_suffix(
    picture_format: PictureFormat, kind: MediaKind, content_type: str, suffix: str
) -> None:
    assert picture_format.kind is kind
    assert picture_format.content_type == content_type
    assert picture_format.suffix == suffix


def test_a_picture_may_cost_so_much_and_no_more() -> None:
    assert PictureLimits() == PictureLimits(
        pixels=50_000_000, frames=500, all_pixels=150_000_000, seconds=20.0, bytes=67_108_864
    )
