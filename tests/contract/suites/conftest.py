"""The suites run with an adapter of somebody else here. The tests of tests/contract import them."""

from tests.contract.suites.external_adapter import is_given

collect_ignore_glob = [] if is_given() else ["*"]
