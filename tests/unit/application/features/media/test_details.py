"""What operators see of a user's library."""

from application.features.media.details import LibraryDetails
from tests.support.acts import show
from tests.support.app_harness import AppHarness


async def test_what_a_user_has_in_the_library_is_shown(app: AppHarness) -> None:
    await app.upload_image(await app.add_user())
    library = (await show(app)).parts.find(LibraryDetails)
    assert library is not None
    assert library.usage.items == 1
    assert library.usage.bytes > 0
    assert library.quota == app.policy.media.quota
