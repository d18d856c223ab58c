"""The settings of the library: where files are, and what users may upload."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

from application.features.media.media_urls import MediaAccess
from domain.access import LibraryVisibility
from domain.features.media.image import SourceFormat, VariantSpec
from domain.features.media.usage import Quota
from entrypoints.features.media.stores import (
    MediaFolder,
    MediaStore,
    S3Bucket,
    parse_access_key_id,
    parse_aws_region,
    parse_media,
    parse_variants,
)
from entrypoints.settings import parsers
from entrypoints.settings.declaration import setting
from entrypoints.settings.readers import HttpUrl
from entrypoints.settings.rules import ONE_HOST_ONLY, Problem, Rule, is_private
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Environment, Factory, Secret, origin_of

if TYPE_CHECKING:
    from application.features.media.feature import MediaPolicy
    from entrypoints.http.features.media.settings import HttpMediaSettings

_s3_setting = partial(setting, vendor="s3")
_AWS_KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


_ONE_WORD: Final = re.compile(r"[A-Za-z0-9_-]+")
"""A name that only a network of containers knows."""


class MediaDelivery(StrEnum):
    """Where image URLs lead: to the media store if it has URLs, or to the service."""

    STORE = "store"
    SERVICE = "service"


def _presigns(media: MediaStore, public_url: str | None, delivery: MediaDelivery) -> bool:
    is_of_store = public_url is None and delivery is MediaDelivery.STORE
    return isinstance(media, S3Bucket) and is_of_store


@dataclass(frozen=True, kw_only=True)
class MediaSettings(Settings):
    """The media store, and what users may upload."""

    media: Annotated[MediaStore, parse_media] = setting(
        "file:path (file:///path from the root), s3://bucket/prefix, or package.module:factory.",
        "file:var/media",
        example="s3://example-images/dialtone",
        names="vendors",
        is_logged=True,
    )
    # It is no secret, but most stores of secrets keep it with one.
    aws_access_key_id: Annotated[str, parse_access_key_id] = _s3_setting(
        "Access key ID of S3; without it, botocore finds a role, a web identity or a profile.",
        example="AKIAIOSFODNN7EXAMPLE",
        has_file=True,
    )
    aws_secret_access_key: Secret[str] = _s3_setting(
        "Secret access key, required with AWS_ACCESS_KEY_ID.",
        example="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    )
    aws_session_token: Secret[str] = _s3_setting(
        "Token of temporary access keys, which the service cannot renew.",
        example="IQoJb3JpZ2luX2VjEXAMPLETOKEN",
    )
    s3_endpoint: HttpUrl | None = setting(
        "URL of the S3 server; by default that of Amazon.", example="http://127.0.0.1:8333"
    )
    aws_region: Annotated[str, parse_aws_region] = _s3_setting(
        "Region of the S3 bucket.", "us-east-1"
    )
    media_public_url: HttpUrl | None = setting(
        "URL of a CDN for images. Without it, image URLs lead to the service or the S3 server.",
        example="https://media.example.org",
    )
    media_delivery: MediaDelivery = setting(
        "service: image URLs lead to the service also with S3. Temporary credentials need it.",
        MediaDelivery.STORE,
    )
    media_access: MediaAccess = setting(
        "public: everybody with the URL opens an image. private: only its owner and staff do.",
        MediaAccess.PUBLIC,
    )
    media_variants: Annotated[tuple[VariantSpec, ...], parse_variants] = setting(
        "Smaller copies as name:WIDTHxHEIGHT, or none. ! at the end stretches; name_webp is WebP.",
        "thumb:320x320",
    )
    media_url_variant: str | None = setting(
        "The variant that the url of an item leads to; by default the full image.", example="thumb"
    )
    media_cache_max_age: Annotated[timedelta, parsers.duration("0s", "3650d")] = setting(
        "Time that browsers and CDNs keep public images, also deleted ones.", "365d"
    )
    max_upload_size: Annotated[int, parsers.size(1_000, 1_000_000_000)] = setting(
        "Maximum size of an uploaded file, such as 20MB or 16MiB.", "20MB"
    )
    library_visibility: LibraryVisibility = setting(
        "all: members see everybody's items. owner: only their own (the default for private "
        "media).",
        derived=lambda media_access: "owner" if media_access is MediaAccess.PRIVATE else "all",
        example="owner",
    )
    library_quota: Annotated[int, parsers.size(0, 10**15)] = setting(
        "Maximum bytes that one user has in the library, without variants, such as 5GB or 500MB.",
        "5GB",
    )
    max_image_pixels: Annotated[int, parsers.number(1_000, 500_000_000)] = setting(
        "Maximum pixels of an image; each million needs up to 12 MB of memory.", "50000000"
    )
    image_formats: tuple[SourceFormat, ...] = setting(
        "Formats of images that are accepted; heic stands for HEIF too.", "jpeg,png,webp,gif,heic"
    )

    @property
    def has_presigned_urls(self) -> bool:
        """Whether images open by URLs that are signed with the credentials of S3."""
        return _presigns(self.media, self.media_public_url, self.media_delivery)

    @property
    def unsafe_image_url(self) -> tuple[str, str] | None:
        """The setting, and its URL, that clients cannot open in production, or not by https."""
        name, url = "DIALTONE_MEDIA_PUBLIC_URL", self.media_public_url
        if self.has_presigned_urls:
            name, url = "DIALTONE_S3_ENDPOINT", self.s3_endpoint
        if self.env is not Environment.PRODUCTION or url is None:
            return None
        parts = urlsplit(url)
        is_one_word = _ONE_WORD.fullmatch(parts.hostname or "") is not None
        return (name, url) if parts.scheme == "http" or is_one_word else None

    @property
    def media_cache_control(self) -> str:
        """The header of public images. Their files never change."""
        seconds = self.media_cache_max_age // timedelta(seconds=1)
        return f"public, max-age={seconds}, immutable"

    @property
    def media_service_url(self) -> str:
        return f"{self.public_url}/media"

    def media_policy(self) -> "MediaPolicy":
        # Imported only here: reading settings needs no use cases.
        from application.features.media.feature import MediaPolicy

        return MediaPolicy(
            access=self.media_access,
            service_url=self.media_service_url,
            public_url=self.media_public_url,
            url_variant=self.media_url_variant,
            variant_specs=self.media_variants,
            quota=Quota(self.library_quota),
            visibility=self.library_visibility,
        )

    def http_media(self) -> "HttpMediaSettings":
        from entrypoints.http.features.media.settings import HttpMediaSettings

        return HttpMediaSettings(
            upload_limit=self.max_upload_size,
            cache_control=self.media_cache_control,
        )

    @property
    def file_stores(self) -> Mapping[str, Path | None]:
        match self.media:
            case MediaFolder(path=path):
                return {**super().file_stores, f"media folder {path}": path}
            case _:
                return {**super().file_stores, "media store in DIALTONE_MEDIA": None}

    @property
    def image_sources(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*super().image_sources, *_image_sources(self))))


def _image_sources(settings: MediaSettings) -> Iterator[str]:
    if settings.media_public_url is not None:
        yield origin_of(settings.media_public_url)
    match settings.media:
        case MediaFolder() | S3Bucket() if not settings.has_presigned_urls:
            yield origin_of(settings.public_url)
        case S3Bucket() if settings.s3_endpoint is not None:
            yield origin_of(settings.s3_endpoint)
        case S3Bucket():
            yield "https://*.amazonaws.com"
        case Factory():
            # Only the adapter knows its URLs.
            yield from ("http:", "https:")


def _check_credentials(media: MediaStore, is_set: Callable[[str], bool]) -> Iterator[Problem]:
    # Without all of them, botocore finds credentials.
    used = [name for name in _AWS_KEYS if isinstance(media, S3Bucket) and is_set(name)]
    for name in _AWS_KEYS[:2]:
        if used and name not in used:
            yield Problem(name, f"Must be set together with {used[0]}.")


def _check_presigned_urls(
    media: MediaStore,
    media_public_url: str | None,
    media_delivery: MediaDelivery,
    is_set: Callable[[str], bool],
) -> Iterator[Problem]:
    if is_set("AWS_SESSION_TOKEN") and _presigns(media, media_public_url, media_delivery):
        yield Problem(
            "DIALTONE_MEDIA_DELIVERY",
            "Must be service if AWS_SESSION_TOKEN is set, or DIALTONE_MEDIA_PUBLIC_URL must be set:"
            " a presigned URL ends with the temporary credentials that signed it.",
            example="service",
        )


def _check_variants(
    media_variants: Sequence[VariantSpec], media_url_variant: str | None
) -> Iterator[Problem]:
    stills = [spec.name for spec in media_variants if not spec.is_webp]
    if media_url_variant not in (None, *stills):
        yield Problem(
            "DIALTONE_MEDIA_URL_VARIANT",
            "Must be a name in DIALTONE_MEDIA_VARIANTS, and not of a WebP: older apps show JPEG, "
            "PNG and GIF only.",
            example=next(iter(stills), ""),
        )


def _check_private_url(
    media_access: MediaAccess, is_set: Callable[[str], bool]
) -> Iterator[Problem]:
    if media_access is MediaAccess.PRIVATE and is_set("DIALTONE_MEDIA_PUBLIC_URL"):
        text = "Must not be set with DIALTONE_MEDIA_ACCESS=private: what it serves is public."
        yield Problem("DIALTONE_MEDIA_PUBLIC_URL", text, example="")


def _check_visibility(
    media_access: MediaAccess, library_visibility: LibraryVisibility
) -> Iterator[Problem]:
    is_private_media = media_access is MediaAccess.PRIVATE
    if is_private_media and library_visibility is LibraryVisibility.ALL:
        yield Problem(
            "DIALTONE_LIBRARY_VISIBILITY", "Must be owner if DIALTONE_MEDIA_ACCESS=private."
        )


def _check_s3_url(
    media: MediaStore, s3_endpoint: str | None, *, is_production: bool
) -> Iterator[Problem]:
    # A request has a signature and never the key: plain http may stay in a private network, where
    # the S3 server often runs beside the service.
    url = urlsplit(s3_endpoint or "")
    is_public = url.scheme == "http" and not is_private(url.hostname or "")
    if is_production and isinstance(media, S3Bucket) and is_public:
        text = "Must begin with https:// in production, except in private networks."
        yield Problem("DIALTONE_S3_ENDPOINT", text)


def _check_hosts(
    media: MediaStore, *, is_single_host: bool, is_production: bool
) -> Iterator[Problem]:
    if is_production and isinstance(media, MediaFolder) and not is_single_host:
        yield Problem("DIALTONE_MEDIA", ONE_HOST_ONLY.format("A folder", "s3://bucket/prefix"))


RULES: Final[tuple[Rule, ...]] = (
    _check_credentials,
    _check_presigned_urls,
    _check_variants,
    _check_private_url,
    _check_visibility,
    _check_s3_url,
    _check_hosts,
)
