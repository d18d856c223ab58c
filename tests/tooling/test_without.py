"""`make test-without` proves something for each feature, and cannot become empty."""

from pathlib import Path

import pytest

from entrypoints.composition.features import FEATURES
from tests.without import deletion
from tests.without.deletion import CannotDelete, find_features, plan
from tests.without.traces import WORDS

PROJECT = Path(__file__).parents[2]


def test_each_feature_has_words_and_a_part_of_the_walk_and_goes_with_those_it_needs() -> None:
    for feature in FEATURES:
        assert feature.name in WORDS
        assert [*(PROJECT / "tests/walk" / feature.name).glob("test_*.py")]
        for need in feature.needs:
            assert feature.name in find_features([need])


@pytest.mark.parametrize("names", [[], ["no_such_feature"], ["all", "no_such_feature"]])
def test_a_proof_without_an_existing_feature_is_an_error(names: list[str]) -> None:
    with pytest.raises(CannotDelete, match=r"no name|no_such_feature"):
        find_features(names)


def test_the_walk_is_never_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "FEATURES", [])
    (tmp_path / "tests/walk").mkdir(parents=True)
    files = {"tests/gone/it.py": "", "tests/walk/test_core.py": "from tests.gone import it"}
    (tmp_path / "tests/gone").mkdir()
    for file, text in files.items():
        (tmp_path / file).write_text(text, "utf-8")

    with pytest.raises(CannotDelete, match=r"test_core\.py: it imports tests\.gone\.it"):
        plan(tmp_path, files, frozenset({"gone"}))
