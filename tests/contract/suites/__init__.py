"""The contract suites: the promises of the ports that an adapter of your own may implement.

Each package has the suites of the ports that it names in `PORTS`. Those of a feature are deleted
with it, and import no others. `make test-adapter` runs them with an adapter of somebody else
(docs/adapters.md), and the tests of tests/contract with those that ship with Dialtone.
"""
