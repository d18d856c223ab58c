"""docs/features.md has each feature, with the records that stay without it."""

import re
from pathlib import Path
from typing import Final

from adapters.records.undeclared_records import FEATURES_OF_KINDS
from entrypoints.features import FEATURES

PAGE: Final = (Path(__file__).parents[2] / "docs/features.md").read_text("utf-8")
_FEATURES, _RECORDS = PAGE.split("## What stays in the database")


def test_the_page_has_each_feature() -> None:
    listed = re.findall(r"^\| `(\w+)` \| ", _FEATURES, re.MULTILINE)
    assert {feature.name for feature in FEATURES} <= set(listed)
    assert len(set(listed)) == len(listed)


def test_the_page_has_the_records_of_each_feature() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", _RECORDS, re.MULTILINE)
    listed = {kind: name for name, cell in rows for kind in re.findall(r"`(\w+)`", cell)}
    assert listed == FEATURES_OF_KINDS
