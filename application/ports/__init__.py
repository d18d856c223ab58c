"""What the use cases need of the outside world, as protocols.

Adapters raise the errors of `application.ports.errors` and no others. None of their calls keeps
the event loop from other tasks for 0.3 seconds. When an adapter is closed, it leaves nothing open:
no connection, file, task or thread.
"""
