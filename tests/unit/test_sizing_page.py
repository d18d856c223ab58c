"""`docs/sizing.md` has what the benchmark calculates."""

from tests.benchmarks.sizing import describe_primary, max_users
from tests.support.markdown import page


def test_the_page_says_how_far_one_primary_goes() -> None:
    text = page("docs/sizing.md")
    *table, _ = describe_primary()
    assert "\n".join(table) in text
    assert 35e6 < max_users() < 40e6
    assert "near 35 million users" in text
