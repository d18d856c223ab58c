"""What the use cases need of the outside, one file a role.

Adapters raise the errors of `application.ports.errors` and no others.
"""
