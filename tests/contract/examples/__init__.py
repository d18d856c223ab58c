"""Examples of adapters, which may be used as they are or copied: docs/adapters.md names them.

- `file_messenger`, `acme_sms`: messengers that write to a file, and send by an HTTP API.
- `acme_voice`: a provider of calls with an HTTP API and signed webhooks.
- `event_file`: a destination of events that writes to a file.
- `memory_database`: a database in memory, as plainly as possible.

Acme is an imaginary provider: `python -m tests.contract.examples.acme_sms COMMAND` runs a command
while it serves, with the variables of the adapter in its environment. So does `acme_voice`.
"""
