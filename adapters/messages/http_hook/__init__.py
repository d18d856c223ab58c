"""Messages by an HTTP hook: a program of the operator that is called for each message."""
