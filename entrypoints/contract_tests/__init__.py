"""The contract suites: the promises of the ports that an adapter of your own may implement.

`pytest --dialtone-adapter=package.module:factory` runs them with an adapter that is installed or in
the current folder (docs/adapters.md). The tests of this repository run them with the adapters that
ship with Dialtone.
"""
