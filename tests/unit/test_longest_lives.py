from datetime import timedelta

import pytest

from entrypoints.keys import longest_lives
from tests.support.settings import settings


@pytest.mark.parametrize(("ttl", "days"), [("400d", 400), ("90d", 90), ("1h", 90), ("", 90)])
def test_keys_are_kept_for_the_setting_or_its_default_whichever_is_longer(
    ttl: str, days: int
) -> None:
    lives = longest_lives(settings(PLAIN_TOKEN_TTL=ttl, REFRESH_TOKEN_TTL=ttl))

    assert lives.plain == lives.refresh == timedelta(days=days)
