"""The texts of messages with a code, and the rules that they keep."""
