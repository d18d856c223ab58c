"""All keys of the service, in one JSON file: the secrets file."""
