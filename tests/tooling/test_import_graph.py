"""What import-linter sees: all modules of the four layers."""

from pathlib import PurePosixPath

from grimp import build_graph

from tests.support.features_contract import LAYERS, PROJECT

MAX_DEPTH = 5


def test_the_graph_of_imports_has_each_file() -> None:
    files = [file for layer in LAYERS for file in (PROJECT / layer).rglob("*.py")]
    names = {
        ".".join(file.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")
        for file in files
    }
    assert build_graph(*LAYERS, cache_dir=None).modules == names
    assert len(names) == len(files)


def test_no_file_lies_deeper_than_five_folders() -> None:
    files = [path for layer in LAYERS for path in (PROJECT / layer).rglob("*") if path.is_file()]
    folders = {PurePosixPath(file.relative_to(PROJECT)).parent for file in files}
    deep = [str(it) for it in folders if len(it.parts) > MAX_DEPTH and it.name != "__pycache__"]
    assert deep == []
