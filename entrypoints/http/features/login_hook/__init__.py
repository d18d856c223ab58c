"""The login hook in the API: the error of a login that it did not decide."""
