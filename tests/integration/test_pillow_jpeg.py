import pytest
from PIL import Image, ImageOps, JpegImagePlugin

from tests.images import (
    SECRET,
    differ,
    exif,
    multi_picture_jpeg,
    opened,
    painting,
    phone_photo,
    plain_jpeg,
    saved,
    segment,
    swapped_profile,
    with_profile,
)
from tests.integration.publishing import publish, refusal_of

CLOSE = 8.0
"""What two rounds of JPEG change at most, on average of 255; another picture differs by 60."""


def segments_of(jpeg: bytes) -> set[int]:
    """The markers up to the picture's data."""
    markers, at = set(), 2
    while jpeg[at + 1] != 0xDA:
        markers.add(jpeg[at + 1])
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    return markers


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_a_photo_is_published_the_right_way_up(orientation: int) -> None:
    photo = phone_photo(width=90, height=60, orientation=orientation)
    upright = ImageOps.exif_transpose(opened(photo))

    result = await publish(photo)

    assert (result.image.width, result.image.height) == upright.size
    assert differ(opened(result.content), upright) < CLOSE


async def test_nothing_but_the_picture_is_published() -> None:
    photo = phone_photo()
    assert {0xE1, 0xED, 0xFE} <= segments_of(photo)

    content = (await publish(photo)).content

    assert segments_of(content) == {0xE0, 0xDB, 0xC0, 0xC4}
    assert dict(opened(content).getexif()) == {}
    assert content.endswith(b"\xff\xd9")
    assert SECRET not in content


async def test_of_several_pictures_in_one_file_the_first_is_published() -> None:
    several = multi_picture_jpeg()
    assert getattr(opened(several), "n_frames", 1) == 2

    content = (await publish(several)).content

    assert getattr(opened(content), "n_frames", 1) == 1
    assert differ(opened(content), painting()) < CLOSE


async def test_colours_are_converted_out_of_their_profile() -> None:
    swapped = opened((await publish(with_profile(plain_jpeg(), swapped_profile()))).content)

    red, green, blue = painting().split()
    assert differ(swapped, Image.merge("RGB", (green, red, blue))) < CLOSE
    assert "icc_profile" not in swapped.info


async def test_colours_of_a_profile_that_is_srgb_by_name_are_left_alone() -> None:
    by_name = swapped_profile().replace("Swap".encode("utf-16-be"), "sRGB".encode("utf-16-be"))

    content = (await publish(with_profile(plain_jpeg(), by_name))).content

    assert content == (await publish(plain_jpeg())).content


@pytest.mark.parametrize("profile", [b"", b"nonsense", swapped_profile()[:200], bytes(60_000)])
async def test_a_profile_that_cannot_be_used_is_as_good_as_none(profile: bytes) -> None:
    content = (await publish(with_profile(plain_jpeg(), profile))).content

    assert content == (await publish(plain_jpeg())).content


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
async def test_every_way_to_code_colours_looks_as_before(mode: str, progressive: bool) -> None:
    photo = saved(painting(mode=mode), "JPEG", quality=90, progressive=progressive)

    published = opened((await publish(photo)).content)

    assert published.mode == ("L" if mode == "L" else "RGB")
    assert differ(published, opened(photo)) < CLOSE


@pytest.mark.parametrize("subsampling", [0, 1, 2])
async def test_colours_stay_as_fine_as_they_were(subsampling: int) -> None:
    published = opened((await publish(plain_jpeg(subsampling=subsampling))).content)

    assert JpegImagePlugin.get_sampling(published) == subsampling


@pytest.mark.parametrize(
    "broken_exif",
    [b"", b"II*\0", b"MM\0*\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff" + bytes(30), bytes(20)],
)
async def test_notes_that_are_broken_break_nothing(broken_exif: bytes) -> None:
    plain = plain_jpeg()
    noted = plain[:2] + segment(0xE1, b"Exif\0\0" + broken_exif) + plain[2:]

    assert (await publish(noted)).content == (await publish(plain)).content


async def test_the_first_of_several_notes_counts() -> None:
    plain = plain_jpeg()
    notes = [segment(0xE1, b"Exif\0\0" + exif(orientation)) for orientation in (6, 1)]

    picture = (await publish(plain[:2] + b"".join(notes) + plain[2:])).image

    assert (picture.width, picture.height) == (48, 64)


@pytest.mark.parametrize("what", ["no end", "no size", "two sizes", "no scan", "no height", "cut"])
async def test_a_jpeg_that_lacks_what_it_needs_is_broken(what: str) -> None:
    plain = plain_jpeg()
    frame, scan = plain.index(b"\xff\xc0"), plain.index(b"\xff\xda")
    broken = {
        "no end": plain[:-2],
        "no size": plain[:frame] + plain[frame + 19 :],
        "two sizes": plain[:frame] + plain[frame : frame + 19] + plain[frame:],
        "no scan": plain[:scan] + plain[-2:],
        "no height": plain[: frame + 5] + bytes(2) + plain[frame + 7 :],
        "cut": plain[: frame + 8],
    }[what]

    assert await refusal_of(broken) == "The image is broken."
