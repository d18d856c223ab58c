"""The settings of the library and its files."""

from pathlib import Path
from typing import Any

import pytest

from domain.access import LibraryVisibility
from domain.features.media.errors import TooManyPixels
from domain.features.media.image import VariantSpec
from entrypoints.features.media.feature import IMPORTED_MEDIA, MEDIA, MediaSettings
from entrypoints.features.media.stores import MediaFolder, S3Bucket
from entrypoints.settings.composition import FIELDS
from entrypoints.settings.read import read_settings
from entrypoints.settings.values import Factory
from tests.support.settings import problem, problems, settings
from tests.unit.entrypoints.settings.texts import S3


def test_a_bucket_is_on_amazon_unless_an_endpoint_is_set() -> None:
    amazon = read_settings(S3, None).of(MediaSettings)
    endpoint = {"DIALTONE_S3_ENDPOINT": "http://127.0.0.1:8333/"}
    other = read_settings(S3 | endpoint, None).of(MediaSettings)

    assert (amazon.s3_endpoint, amazon.aws_region) == (None, "us-east-1")
    assert other.s3_endpoint == "http://127.0.0.1:8333"
    assert other.aws_secret_access_key.value == S3["AWS_SECRET_ACCESS_KEY"]


def test_a_bucket_has_both_keys_or_those_that_botocore_finds() -> None:
    bucket = {"DIALTONE_MEDIA": "s3://images"}
    found = read_settings(bucket, None).of(MediaSettings)
    assert (found.aws_access_key_id, found.aws_secret_access_key.value) == ("", "")
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    for name, other in (keys, keys[::-1]):
        lines = problems(bucket | {name: "x"})
        assert list(lines) == [other]
        assert f"Must be set together with {name}." in lines[other]
    delivered = {"DIALTONE_MEDIA_DELIVERY": "service", "AWS_SESSION_TOKEN": "x"}
    assert list(problems(bucket | delivered)) == list(keys)


def test_a_session_token_signs_no_urls_that_outlive_it() -> None:
    environ = S3 | {"AWS_SESSION_TOKEN": "tops3cret"}

    lines = problems(environ)

    assert list(lines) == ["DIALTONE_MEDIA_DELIVERY"]
    assert "ends with the temporary credentials" in lines["DIALTONE_MEDIA_DELIVERY"]
    for other in (
        {"DIALTONE_MEDIA_DELIVERY": "service"},
        {"DIALTONE_MEDIA_DELIVERY": "service", "DIALTONE_MEDIA_ACCESS": "private"},
        {"DIALTONE_MEDIA_PUBLIC_URL": "https://media.example.org"},
    ):
        read = read_settings(environ | other, None).of(MediaSettings)
        assert not read.has_presigned_urls


def test_the_url_leads_to_a_variant_that_exists_and_that_older_apps_show() -> None:
    variants = {"MEDIA_VARIANTS": "thumb_webp:9x9,led:64x64!"}
    read = settings(**variants, MEDIA_URL_VARIANT="led").of(MediaSettings)
    assert read.media_url_variant == "led"
    for name in ("thumb", "thumb_webp"):
        line = problem(**variants, MEDIA_URL_VARIANT=name)
        assert line.startswith("DIALTONE_MEDIA_URL_VARIANT: Must be a name in")


def test_private_media_has_no_public_url_and_is_seen_by_owners_only() -> None:
    private = {"DIALTONE_MEDIA_ACCESS": "private"}
    read = settings(MEDIA_ACCESS="private").of(MediaSettings)
    assert read.library_visibility is LibraryVisibility.OWNER
    assert settings().of(MediaSettings).library_visibility is LibraryVisibility.ALL
    for name, value in (
        ("DIALTONE_MEDIA_PUBLIC_URL", "https://cdn.example"),
        ("DIALTONE_LIBRARY_VISIBILITY", "all"),
    ):
        assert list(problems({**private, name: value})) == [name]


@pytest.mark.parametrize(
    ("environ", "example"),
    [
        ({"MEDIA_VARIANTS": "led:9x9", "MEDIA_URL_VARIANT": "thumb"}, "MEDIA_URL_VARIANT=led"),
        ({"MEDIA_ACCESS": "private", "MEDIA_PUBLIC_URL": "https://a.test"}, "MEDIA_PUBLIC_URL="),
    ],
)
def test_the_example_of_a_problem_is_valid_with_the_other_settings(
    environ: dict[str, str], example: str
) -> None:
    example_of_error = problem(**environ).rpartition("Example: DIALTONE_")[2]

    assert example_of_error == example
    name, _, text = example.partition("=")
    settings(**environ | {name: text})


def test_a_path_in_the_place_of_a_host_is_named_as_it_should_be() -> None:
    line = problem(MEDIA="file://var/media")
    assert line.startswith("DIALTONE_MEDIA: Must be file:var/media, or file:///var/media from the")


def test_files_are_in_a_folder_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings().of(MediaSettings).media == MediaFolder(tmp_path / "var/media")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("MEDIA", "file:///srv/a%20b/", MediaFolder(Path("/srv/a b"))),
        ("MEDIA", "file://localhost/srv", MediaFolder(Path("/srv"))),
        ("MEDIA", "store:open_files", Factory("store:open_files")),
        ("MEDIA", "s3://my-bucket.2/", S3Bucket("my-bucket.2", "")),
        (
            "MEDIA",
            f"s3://{'b' * 63}/it's.(ours)!*/c_d/",
            S3Bucket("b" * 63, "it's.(ours)!*/c_d"),
        ),
        ("MEDIA_VARIANTS", "none", ()),
        (
            "MEDIA_VARIANTS",
            "a:2048x1, led:64x64!,a_webp:9x8",
            (
                VariantSpec("a", 2048, 1),
                VariantSpec("led", 64, 64, is_exact=True),
                VariantSpec("a_webp", 9, 8, is_webp=True),
            ),
        ),
    ],
)
def test_a_valid_value_is_parsed(name: str, text: str, value: Any) -> None:
    assert FIELDS[f"DIALTONE_{name}"].reader.read(text) == value


@pytest.mark.parametrize(
    ("environ", "sources"),
    [
        ({}, ("http://127.0.0.1:8000",)),
        (
            {"DIALTONE_MEDIA_PUBLIC_URL": "https://media.example.org/images"},
            ("https://media.example.org", "http://127.0.0.1:8000"),
        ),
        ({"DIALTONE_MEDIA": "our.own:files"}, ("http:", "https:")),
        (S3, ("https://*.amazonaws.com",)),
        (S3 | {"DIALTONE_S3_ENDPOINT": "http://127.0.0.1:8333/s3"}, ("http://127.0.0.1:8333",)),
        (S3 | {"DIALTONE_MEDIA_DELIVERY": "service"}, ("http://127.0.0.1:8000",)),
    ],
    ids=str,
)
def test_the_page_may_load_images_from_where_their_urls_lead(
    environ: dict[str, str], sources: tuple[str, ...]
) -> None:
    assert read_settings(environ, None).image_sources == sources


def test_the_pixels_of_an_hour_are_divided_by_the_workers_and_imports_have_any_number() -> None:
    read = settings(WORKERS="4")
    allowance = MEDIA.make_pixel_allowance(read)
    assert allowance is not None
    allowance.acquire("a user", 500_000_000)
    with pytest.raises(TooManyPixels):
        allowance.acquire("a user", 1)
    assert IMPORTED_MEDIA.make_pixel_allowance(read) is None
