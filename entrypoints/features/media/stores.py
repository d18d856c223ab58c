"""The stores that `DIALTONE_MEDIA` names, and the parsers of stores and of their content."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from domain.errors import InvalidValue
from domain.features.media.image import VariantSpec
from entrypoints.settings.adapter_parsers import find_factory
from entrypoints.settings.parsers import full_match, list_of, pattern, rejects_with
from entrypoints.settings.values import Factory

_VARIANT: Final = re.compile(
    r"(?!full:)([a-z][a-z0-9_]{0,31}):([1-9][0-9]{0,3})x([1-9][0-9]{0,3})(!?)"
)
_MAX_VARIANTS: Final = 10
_MAX_VARIANT_PIXELS: Final = 2048
"""Pixels of each side. A larger variant would take longer than the image itself."""

# The access key ID and the region are parts of a path in each request's signature.
parse_access_key_id = pattern(
    r"(?:(?![,/=])[!-~])+", "Must be an access key ID without space, comma, slash and =."
)
parse_aws_region = pattern(
    r"(?=.*[A-Za-z])[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?",
    "Must be a region: letters and digits, with - between them.",
)

# A URL has no host, an empty one or localhost.
_FILE: Final = re.compile(r"file:(?://(?:localhost)?(?=/)|(?!//))(?P<path>[^?#]+)")
_FILE_OF_HOST: Final = re.compile(r"file://(?!localhost/)(?P<path>[^/?#@:][^?#@:]*)")
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; a prefix has only
# characters that are not escaped in a key.
_PREFIX_PART: Final = r"(?!\.\.?(?:/|$))[A-Za-z0-9_!.*'()-]+"
_BUCKET: Final = re.compile(
    r"s3://(?!(?:[0-9]+\.){3}[0-9]+(?:/|$))"
    r"(?P<bucket>[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9])"
    rf"(?:/(?P<prefix>{_PREFIX_PART}(?:/{_PREFIX_PART})*))?/?"
)


@dataclass(frozen=True, slots=True)
class MediaFolder:
    """A folder with media files."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class S3Bucket:
    """A bucket with media files; the prefix may be empty."""

    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


MediaStore = MediaFolder | S3Bucket | Factory


@rejects_with(
    "Must be file:///path from the root, file:path from the current folder, s3://bucket/prefix, or "
    "package.module:factory."
)
def parse_media(text: str) -> MediaStore:
    """Parse the URL of a folder (RFC 8089) or bucket, or a factory."""
    if text.startswith("s3://"):
        return _parse_bucket(text)
    if factory := find_factory(text):
        return factory
    if named := _FILE_OF_HOST.fullmatch(text):
        raise InvalidValue(
            f"Must be file:{named['path']}, or file:///{named['path']} from the root: what follows "
            "file:// is a host."
        )
    path = unquote(full_match(_FILE, text)["path"], errors="replace")
    if not path.strip("/") or not path.isprintable():
        raise ValueError
    return MediaFolder(Path(path).absolute())


@rejects_with(
    "Must be s3://bucket or s3://bucket/prefix. A bucket has 3 to 63 lower-case letters, digits, - "
    "and single dots; a prefix has letters, digits and _ - . ! * ' ( )."
)
def _parse_bucket(text: str) -> S3Bucket:
    bucket = full_match(_BUCKET, text)
    return S3Bucket(bucket["bucket"], bucket["prefix"] or "")


@rejects_with(
    "Must be none, or up to 10 variants with different names: name:WIDTHxHEIGHT fits into this "
    "size, name:WIDTHxHEIGHT! is stretched to it, name_webp:... is WebP; at most 2048 pixels. A "
    "name has up to 32 lower-case letters, digits and _, and is not full."
)
def parse_variants(text: str) -> tuple[VariantSpec, ...]:
    """Parse the variants of images."""
    if text == "none":
        return ()
    specs = list_of(_parse_variant)(text)
    if len({spec.name for spec in specs}) < len(specs) or len(specs) > _MAX_VARIANTS:
        raise ValueError
    return specs


def _parse_variant(text: str) -> VariantSpec:
    name, *sides, mark = full_match(_VARIANT, text).groups()
    width, height = map(int, sides)
    if max(width, height) > _MAX_VARIANT_PIXELS:
        raise ValueError
    return VariantSpec(name, width, height, bool(mark), name.endswith("_webp"))
