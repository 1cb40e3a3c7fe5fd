"""What can go wrong in the stores.

StoreError
├── DatabaseUnavailableError    the database cannot be reached
└── IndexUnavailableError       the vector engine cannot answer now; the database still can
"""


class StoreError(Exception):
    """Base of all errors of this room."""


class DatabaseUnavailableError(StoreError):
    """The database cannot be reached."""


class IndexUnavailableError(StoreError):
    """The vector engine cannot answer now; the database still can."""
