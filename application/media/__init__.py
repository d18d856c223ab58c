"""The library: uploading, showing, changing, removing."""
