"""What the use cases need of the outside world, as protocols.

Adapters raise the errors of `application.ports.errors` and no others.
"""
