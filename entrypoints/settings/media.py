"""The settings of the library and its files."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from application.media.media_urls import MediaAccess
from domain.access import LibraryVisibility
from domain.media.image import SourceFormat, VariantSpec
from domain.media.usage import Quota
from entrypoints.http.media.settings import HttpMediaSettings
from entrypoints.settings import parsers, services
from entrypoints.settings.declaration import advanced, essential, optional
from entrypoints.settings.service import ServiceSettings
from entrypoints.settings.values import MediaDelivery, MediaStore, S3Bucket, Secret

if TYPE_CHECKING:
    from application.media.feature import MediaPolicy


@dataclass(frozen=True, kw_only=True)
class MediaSettings(ServiceSettings):
    """Where files are, and what users may upload."""

    media: MediaStore = essential(
        services.parse_media, default="file:var/media", example="s3://example-images/dialtone"
    )
    """file:path (file:///path from the root), s3://bucket/prefix, or package.module:factory."""
    # It is no secret, but most stores of secrets keep it with one.
    aws_access_key_id: str = essential(
        services.parse_access_key_id,
        prefix="",
        unset="",
        example="AKIAIOSFODNN7EXAMPLE",
        file_name="AWS_ACCESS_KEY_ID_FILE",
    )
    """Access key ID of S3; without it, botocore finds a role, a web identity or a profile."""
    aws_secret_access_key: Secret[str] = essential(
        Secret, prefix="", unset=Secret(""), example="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    )
    """Secret access key, required with AWS_ACCESS_KEY_ID."""
    aws_session_token: Secret[str] = optional(
        Secret, prefix="", unset=Secret(""), example="IQoJb3JpZ2luX2VjEXAMPLETOKEN"
    )
    """Token of temporary access keys, which the service cannot renew."""
    s3_endpoint: str | None = optional(parsers.parse_url, example="http://127.0.0.1:8333")
    """URL of the S3 server; by default that of Amazon."""
    aws_region: str = optional(services.parse_region, prefix="", default="us-east-1")
    """Region of the S3 bucket."""
    media_public_url: str | None = optional(parsers.parse_url, example="https://media.example.org")
    """URL of a CDN for images. Without it, image URLs lead to the service or the S3 server."""
    media_delivery: MediaDelivery = optional(parsers.choice(*MediaDelivery), default="store")
    """service: image URLs lead to the service also with S3. Temporary credentials need it."""
    media_access: MediaAccess = optional(parsers.choice(*MediaAccess), default="public")
    """public: everybody with the URL opens an image. private: only its owner gets a URL."""
    media_variants: tuple[VariantSpec, ...] = optional(
        parsers.parse_variants, default="thumb:320x320"
    )
    """Smaller copies as name:WIDTHxHEIGHT, or none. ! at the end stretches; name_webp is WebP."""
    media_url_variant: str | None = optional(str, example="thumb")
    """The variant that the url of an item leads to; by default the full image."""
    media_cache_max_age: timedelta = optional(parsers.duration("0s", "3650d"), default="365d")
    """Time that browsers and CDNs keep public images, also deleted ones."""
    max_upload_size: int = optional(parsers.size(1_000, 1_000_000_000), default="20MB")
    """Maximum size of an uploaded file, such as 20MB or 16MiB."""
    library_visibility: LibraryVisibility = optional(
        parsers.choice(*LibraryVisibility),
        derive=lambda settings: "owner" if settings.media_access is MediaAccess.PRIVATE else "all",
        example="owner",
    )
    """all: members see everybody's items. owner: only their own (the default for private media)."""
    library_quota: int = optional(parsers.size(0, 10**15), default="5GB")
    """Maximum bytes that one user has in the library, without variants, such as 5GB or 500MB."""
    library_quota_items: int = optional(parsers.number(0, 10**9), default="10000")
    """Maximum items that one user has in the library."""
    image_megapixels_per_hour: int = advanced(parsers.number(1, 10_000_000), default="2000")
    """Megapixels that one user can upload in an hour, all frames counted."""
    max_image_pixels: int = advanced(parsers.number(1_000, 500_000_000), default="50000000")
    """Maximum pixels of an image; each million needs up to 12 MB of memory."""
    max_jpeg_pixels: int = advanced(parsers.number(1_000, 500_000_000), default="120000000")
    """Maximum pixels of a JPEG; one over `DIALTONE_MAX_IMAGE_PIXELS` is scaled down."""
    upload_min_rate: int = advanced(parsers.size(0, 10**9), default="32KB")
    """Minimum bytes per second of an upload. If the space is used up, slower uploads end first."""
    image_formats: tuple[SourceFormat, ...] = advanced(
        parsers.list_of(parsers.choice(*SourceFormat)), default="jpeg,png,webp,gif,avif,heic"
    )
    """Formats of images that are accepted; heic stands for HEIF too."""
    max_image_frames: int = advanced(parsers.number(1, 10_000), default="500")
    """Maximum frames of an animated image."""

    @property
    def has_presigned_urls(self) -> bool:
        """Whether images open by URLs that are signed with the credentials of S3."""
        return (
            isinstance(self.media, S3Bucket)
            and self.media_public_url is None
            and self.media_delivery is MediaDelivery.STORE
        )

    @property
    def media_cache_control(self) -> str:
        """The header of public images. Their files never change."""
        seconds = self.media_cache_max_age // timedelta(seconds=1)
        return f"public, max-age={seconds}, immutable"

    @property
    def media_service_url(self) -> str:
        """The URL below which the service delivers files."""
        return f"{self.public_url}/media"

    def media_policy(self) -> "MediaPolicy":
        """Return what these settings decide."""
        # Imported only here: the parent process of the workers needs no use cases.
        from application.media.feature import MediaPolicy

        return MediaPolicy(
            access=self.media_access,
            service_url=self.media_service_url,
            public_url=self.media_public_url,
            url_variant=self.media_url_variant,
            variant_specs=self.media_variants,
            quota=Quota(self.library_quota, self.library_quota_items),
            visibility=self.library_visibility,
        )

    def http_media(self) -> HttpMediaSettings:
        """Return what these settings decide about uploads and files in requests."""
        return HttpMediaSettings(
            upload_limit=self.max_upload_size,
            upload_min_rate=self.upload_min_rate,
            cache_control=self.media_cache_control,
        )
