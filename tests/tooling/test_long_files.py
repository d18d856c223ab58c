from pathlib import Path

import tests.support.long_files
from tests.support.long_files import LONG_FILES


def test_each_of_them_is_a_file_of_tests() -> None:
    folder = Path(tests.support.long_files.__file__).parent
    assert {path.stem for path in folder.rglob("test_*.py")} >= LONG_FILES
