"""The settings of the library and its files."""

from pathlib import Path
from typing import Any

import pytest

from domain.features.media.errors import TooManyPixels
from domain.features.media.image import VariantSpec
from entrypoints.composition.settings import FIELDS
from entrypoints.features.media.feature import IMPORTED_MEDIA, MEDIA
from entrypoints.features.media.stores import MediaFolder, S3Bucket
from tests.support.settings import settings

VALID: dict[str, dict[str, Any]] = {
    "DIALTONE_MEDIA": {
        "file:///srv/a%20b/": MediaFolder(Path("/srv/a b")),
        "file://localhost/srv": MediaFolder(Path("/srv")),
        "file:var/media": MediaFolder(Path("var/media").absolute()),
        "s3://my-bucket.2/": S3Bucket("my-bucket.2", ""),
        f"s3://{'b' * 63}/it's.(ours)!*/c_d/": S3Bucket("b" * 63, "it's.(ours)!*/c_d"),
    },
    "DIALTONE_MEDIA_VARIANTS": {
        "a:2048x1, led:64x64!,a_webp:9x8": (
            VariantSpec("a", 2048, 1),
            VariantSpec("led", 64, 64, is_exact=True),
            VariantSpec("a_webp", 9, 8, is_webp=True),
        ),
    },
}


@pytest.mark.parametrize("name", VALID)
def test_a_valid_value_is_read(name: str) -> None:
    for text, value in VALID[name].items():
        assert FIELDS[name].reader.read(text) == value


def test_the_pixels_of_an_hour_are_divided_by_the_workers_and_imports_have_any_number() -> None:
    read = settings(WORKERS="4")
    allowance = MEDIA.make_pixel_allowance(read)
    assert allowance is not None
    allowance.acquire("a user", 500_000_000)
    with pytest.raises(TooManyPixels):
        allowance.acquire("a user", 1)
    assert IMPORTED_MEDIA.make_pixel_allowance(read) is None
