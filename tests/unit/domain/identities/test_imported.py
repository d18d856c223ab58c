"""What imports did to an identity."""

from datetime import timedelta

from domain.identities.imported import Imported
from tests.support.builders import NOW


def test_the_first_import_and_a_block_by_one_are_kept() -> None:
    imported = Imported().mark(NOW)
    assert imported == Imported(NOW)
    assert imported.mark_blocked().mark(NOW + timedelta(days=1)) == Imported(NOW, was_blocked=True)
