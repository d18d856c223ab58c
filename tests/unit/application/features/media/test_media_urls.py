"""URLs of media files, and what a URL alone opens."""

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

from application.features.media.media_urls import FileAccess, MediaAccess
from application.features.media.ports import MediaUrl
from tests.support.app_harness import AppHarness, make_policy
from tests.support.media.builders import an_item

KEY, OTHER_KEY = an_item().storage_key, "1" + an_item().storage_key[1:]
SERVICE_URL = "https://dialtone.example.org/media"
DAY = timedelta(days=1)


async def test_a_public_url_replaces_those_of_the_store() -> None:
    app = AppHarness(policy=make_policy(public_url="https://cdn.example"))
    app.files.expires_at = app.clock.now()
    assert await app.media.media_urls.url_for(KEY) == MediaUrl(f"https://cdn.example/{KEY}")
    assert await app.media.media_urls.check_access(KEY, "", "") == FileAccess()


async def test_a_private_url_is_the_same_for_a_day_and_ends_within_two() -> None:
    policy = make_policy(access=MediaAccess.PRIVATE, service_url=SERVICE_URL)
    app = AppHarness(policy=policy)
    urls = app.media.media_urls
    app.advance(hours=14, minutes=30)  # to midnight
    url = await urls.url_for(KEY)
    assert url.expires_at == app.clock.now() + 2 * DAY
    assert url.url.startswith(f"{SERVICE_URL}/{KEY}?")
    query = dict(parse_qsl(urlsplit(url.url).query))
    assert await urls.check_access(KEY, **query) == FileAccess(remaining=2 * DAY)
    for key, changes in (
        (OTHER_KEY, {}),
        (KEY, {"expires": str(int(query["expires"]) + 1)}),
        (KEY, {"signature": "é"}),
        (KEY, {"expires": "", "signature": ""}),
    ):
        assert (await urls.check_access(key, **{**query, **changes})).needs_token
    app.advance(hours=23, minutes=59)
    assert await urls.url_for(KEY) == url
    app.advance(minutes=1)
    assert await urls.url_for(KEY) != url
    app.advance(hours=23, minutes=59, seconds=59)
    assert await urls.check_access(KEY, **query) == FileAccess(remaining=timedelta(seconds=1))
    app.advance(seconds=1)
    assert (await urls.check_access(KEY, **query)).needs_token
