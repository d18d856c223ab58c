import pytest
from PIL import Image, ImageOps, JpegImagePlugin

from tests.integration.image_publishing import publish, publish_error
from tests.support.images import (
    SECRET,
    decode,
    encode,
    exif,
    mean_difference,
    multi_picture_jpeg,
    phone_photo,
    plain_jpeg,
    sample_image,
    segment,
    swapped_profile,
    with_profile,
    xmp,
)

MAX_JPEG_DIFFERENCE = 8.0
"""Two JPEG encodings differ by less. Different images differ by 60."""


def segments_of(jpeg: bytes) -> set[int]:
    """Return the markers before the first scan."""
    markers, at = set(), 2
    while jpeg[at + 1] != 0xDA:
        markers.add(jpeg[at + 1])
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    return markers


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_a_photo_is_rotated_as_its_exif_says(orientation: int) -> None:
    photo = phone_photo(width=90, height=60, orientation=orientation)
    upright = ImageOps.exif_transpose(decode(photo))

    result = await publish(photo)

    assert (result.image.width, result.image.height) == upright.size
    assert mean_difference(decode(result.content), upright) < MAX_JPEG_DIFFERENCE


async def test_metadata_is_dropped() -> None:
    photo = phone_photo()
    assert {0xE1, 0xED, 0xFE} <= segments_of(photo)

    content = (await publish(photo)).content

    assert segments_of(content) == {0xE0, 0xDB, 0xC0, 0xC4}
    assert dict(decode(content).getexif()) == {}
    assert content.endswith(b"\xff\xd9")
    assert SECRET not in content


async def test_the_first_of_several_images_is_published() -> None:
    multi_picture = multi_picture_jpeg()
    assert getattr(decode(multi_picture), "n_frames", 1) == 2

    content = (await publish(multi_picture)).content

    assert getattr(decode(content), "n_frames", 1) == 1
    assert mean_difference(decode(content), sample_image()) < MAX_JPEG_DIFFERENCE


async def test_colors_are_converted_to_srgb() -> None:
    swapped = decode((await publish(with_profile(plain_jpeg(), swapped_profile()))).content)

    red, green, blue = sample_image().split()
    assert mean_difference(swapped, Image.merge("RGB", (green, red, blue))) < MAX_JPEG_DIFFERENCE
    assert "icc_profile" not in swapped.info


async def test_a_profile_named_srgb_converts_nothing() -> None:
    profile = swapped_profile().replace("Swap".encode("utf-16-be"), "sRGB".encode("utf-16-be"))

    content = (await publish(with_profile(plain_jpeg(), profile))).content

    assert content == (await publish(plain_jpeg())).content


@pytest.mark.parametrize("profile", [b"", b"nonsense", swapped_profile()[:200], bytes(60_000)])
async def test_an_unusable_profile_is_ignored(profile: bytes) -> None:
    content = (await publish(with_profile(plain_jpeg(), profile))).content

    assert content == (await publish(plain_jpeg())).content


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
async def test_every_color_mode_looks_the_same(mode: str, progressive: bool) -> None:
    photo = encode(sample_image(mode=mode), "JPEG", quality=90, progressive=progressive)

    published = decode((await publish(photo)).content)

    assert published.mode == ("L" if mode == "L" else "RGB")
    assert mean_difference(published, decode(photo)) < MAX_JPEG_DIFFERENCE


@pytest.mark.parametrize("subsampling", [0, 1, 2])
async def test_the_chroma_subsampling_stays(subsampling: int) -> None:
    published = decode((await publish(plain_jpeg(subsampling=subsampling))).content)

    assert JpegImagePlugin.get_sampling(published) == subsampling


@pytest.mark.parametrize(
    "broken_exif",
    [b"", b"II*\0", b"MM\0*\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff" + bytes(30), bytes(20)],
)
async def test_broken_exif_is_ignored(broken_exif: bytes) -> None:
    plain = plain_jpeg()
    annotated = plain[:2] + segment(0xE1, b"Exif\0\0" + broken_exif) + plain[2:]

    assert (await publish(annotated)).content == (await publish(plain)).content


async def test_the_first_of_several_exif_segments_is_used() -> None:
    plain = plain_jpeg()
    segments = [segment(0xE1, b"Exif\0\0" + exif(orientation)) for orientation in (6, 1)]

    image = (await publish(plain[:2] + b"".join(segments) + plain[2:])).image

    assert (image.width, image.height) == (48, 64)


@pytest.mark.parametrize(
    "defect", ["no end", "no size", "two sizes", "no scan", "no height", "cut"]
)
async def test_an_incomplete_jpeg_is_broken(defect: str) -> None:
    plain = plain_jpeg()
    frame, scan = plain.index(b"\xff\xc0"), plain.index(b"\xff\xda")
    broken = {
        "no end": plain[:-2],
        "no size": plain[:frame] + plain[frame + 19 :],
        "two sizes": plain[:frame] + plain[frame : frame + 19] + plain[frame:],
        "no scan": plain[:scan] + plain[-2:],
        "no height": plain[: frame + 5] + bytes(2) + plain[frame + 7 :],
        "cut": plain[: frame + 8],
    }[defect]

    assert await publish_error(broken) == "The image is broken."


async def test_a_segment_that_exceeds_the_file_ends_the_image() -> None:
    plain = plain_jpeg()

    assert await publish(plain[:-2] + b"\xff\xfe\x15\x4fcut") == await publish(plain)


@pytest.mark.parametrize(
    "form", [b'tiff:Orientation="6"', b"<tiff:Orientation>6</tiff:Orientation>"]
)
async def test_a_photo_without_exif_is_rotated_as_its_xmp_says(form: bytes) -> None:
    plain = plain_jpeg()
    namespace = b"http://ns.adobe.com/xap/1.0/\0"

    image = (await publish(plain[:2] + segment(0xE1, namespace + form) + plain[2:])).image

    assert (image.width, image.height) == (48, 64)


async def test_an_unknown_orientation_is_ignored() -> None:
    plain = plain_jpeg()
    xmp_segment = segment(0xE1, b'http://ns.adobe.com/xap/1.0/\0tiff:Orientation="60"')

    assert await publish(plain[:2] + xmp_segment + plain[2:]) == await publish(plain)


async def test_exif_comes_before_xmp() -> None:
    plain = plain_jpeg()
    segments = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp(6))
    segments += segment(0xE1, b"Exif\0\0" + exif(1))

    image = (await publish(plain[:2] + segments + plain[2:])).image

    assert (image.width, image.height) == (64, 48)
