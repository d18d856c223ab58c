from datetime import timedelta

import pytest

from entrypoints.keys import max_token_lifetimes
from tests.support.settings import settings


@pytest.mark.parametrize(("ttl", "days"), [("400d", 400), ("90d", 90), ("1h", 90), ("", 90)])
def test_keys_are_kept_for_the_longer_of_setting_and_default(ttl: str, days: int) -> None:
    lifetimes = max_token_lifetimes(settings(PLAIN_TOKEN_TTL=ttl, REFRESH_TOKEN_TTL=ttl))

    assert lifetimes.plain == lifetimes.refresh == timedelta(days=days)
