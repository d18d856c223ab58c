"""What all databases share: the stored form of every record, and the repositories over two ports.

`kinds.py` is the table of all kinds of records. `RecordStore` and `LimitStore` are the ports that a
database implements; `repositories.py` has the repositories of the application, written once.
"""
