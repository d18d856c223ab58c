from domain.access import visible_phone
from tests.support.builders import NOW, an_identity


def test_an_identity_without_a_phone_has_no_visible_number() -> None:
    purged = an_identity().purge(NOW)
    assert visible_phone(purged, purged) is None
