"""The lines of `dialtone pumping list`."""

from dataclasses import replace
from datetime import timedelta

from domain.pumping.warning import PumpingWarning
from entrypoints.commands.pumping.pumping import OFF, render_warnings
from tests.support.builders import NOW

OF_COUNTRY = PumpingWarning(
    id="0" * 24,
    country="BR",
    number_range="",
    opened_at=NOW,
    ends_at=NOW + timedelta(hours=1),
    sent=240,
    networks=24,
    share_percent=3,
    usual_percent=61,
)


def test_a_range_is_named_or_shows_with_its_next_request() -> None:
    of_range = replace(OF_COUNTRY, number_range="r1")
    warnings = [OF_COUNTRY, of_range, replace(of_range, prefix="+55119000")]
    lines = render_warnings(warnings, protects=True)
    assert [line.partition("  ")[2].partition(", since")[0] for line in lines] == [
        "country BR",
        "number range in BR (its digits show with its next request)",
        "number range +55119000**** in BR",
    ]


def test_a_protection_that_is_off_is_named() -> None:
    assert list(render_warnings([], protects=False)) == ["There are no warnings.", OFF]
    assert list(render_warnings([OF_COUNTRY], protects=False))[1:] == [OFF]
    assert list(render_warnings([], protects=True)) == ["There are no warnings."]
