"""What the settings decide about the page at `/`. It has no setting of its own."""

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from entrypoints.http.start.settings import HttpStartPageSettings
from entrypoints.opening.providers import prints_codes
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Environment, Factory, MediaFolder, S3Bucket


def http_start_page(settings: Settings) -> HttpStartPageSettings | None:
    """Return the settings of the page, None in production."""
    if settings.env is not Environment.DEVELOPMENT:
        return None
    return HttpStartPageSettings(
        port=settings.bind.port,
        prints_messages=any(map(prints_codes, settings.sms)),
        keeps_messages=keeps_messages(settings),
        has_test_otps=bool(settings.test_otps.value.otps),
        image_sources=tuple(dict.fromkeys(_image_sources(settings))),
    )


def keeps_messages(settings: Settings) -> bool:
    """Return whether the last messages are kept in memory, so that the page can show them.

    - In production never.
    - Every messenger prints, so nobody gets a message that the terminal does not show.
    - The server listens on a loopback interface only, and no proxy is known: one that adds no
      header would hide that clients are elsewhere.
    - One process has all messages. With several, the next request may reach another one.
    """
    return (
        settings.env is Environment.DEVELOPMENT
        and all(map(prints_codes, settings.sms))
        and _is_loopback(settings.bind.host)
        and not settings.trusted_proxies
        and settings.workers == 1
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _image_sources(settings: Settings) -> Iterator[str]:
    """Yield where the URLs of images lead, for browsers that load them."""
    if settings.media_public_url is not None:
        yield _origin(settings.media_public_url)
    match settings.media:
        case MediaFolder() | S3Bucket() if not settings.has_presigned_urls:
            yield _origin(settings.public_url)
        case S3Bucket() if settings.s3_endpoint is not None:
            yield _origin(settings.s3_endpoint)
        case S3Bucket():
            yield "https://*.amazonaws.com"
        case Factory():
            # Only the adapter knows its URLs.
            yield from ("http:", "https:")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
