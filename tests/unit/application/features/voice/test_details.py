"""What operators see of a user's calls."""

from application.features.voice.details import CallDetails
from tests.support.acts import show
from tests.support.app_harness import AppHarness
from tests.support.voice.builders import a_call
from tests.support.voice.stored import voice_repositories


async def test_the_last_calls_of_a_user_are_shown(app: AppHarness) -> None:
    user_id = (await app.add_user()).identity.id
    call = a_call(identity_id=user_id)
    await voice_repositories(app.database).calls.add(call)
    assert (await show(app)).parts.find(CallDetails) == CallDetails([call])
