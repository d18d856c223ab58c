import pytest

from tests.integration.image_publishing import publish, publish_error
from tests.support.images import decode, encode, mean_difference, plain_jpeg, sample_image


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
async def test_every_color_mode_looks_the_same(mode: str, progressive: bool) -> None:
    photo = encode(sample_image(mode=mode), "JPEG", quality=90, progressive=progressive)

    published = decode((await publish(photo)).content)

    assert published.mode == ("L" if mode == "L" else "RGB")
    # Two JPEG encodings differ by less. Different images differ by 60.
    assert mean_difference(published, decode(photo)) < 8


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

    assert (await publish_error(broken)).message == "The image is broken."
