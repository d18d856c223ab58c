"""The phone line: inbound calls, calls that read a code, and the call log."""
