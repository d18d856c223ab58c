"""The contract suites: the promises of the ports that an adapter of your own may implement.

`make test-adapter` runs them with an adapter of somebody else
(docs/adapters.md), and the tests of tests/contract with those that ship with Dialtone.
"""
