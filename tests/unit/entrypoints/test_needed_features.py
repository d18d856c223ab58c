"""Which features are opened, and in which order."""

from entrypoints.composition.use_cases import ALL, find_needed
from entrypoints.features.imports import IMPORTS
from entrypoints.features.media.feature import IMPORTED_MEDIA, MEDIA_RECORDS


def test_a_variant_of_a_feature_is_opened_in_its_place() -> None:
    needed = find_needed([IMPORTS, IMPORTED_MEDIA])
    assert [feature for feature in needed if feature.name == IMPORTED_MEDIA.name] == [
        IMPORTED_MEDIA
    ]
    order = {feature.name: place for place, feature in enumerate(ALL)}
    assert sorted(needed, key=lambda feature: order[feature.name]) == needed


def test_what_is_opened_instead_of_a_feature_has_a_name_of_its_own() -> None:
    assert find_needed([IMPORTS, MEDIA_RECORDS])[0] is MEDIA_RECORDS
