"""What can go wrong in the stores.

StoreError
└── IndexUnavailableError    the vector engine cannot answer now; the database still can
"""


class StoreError(Exception):
    """Base of all errors of this room."""


class IndexUnavailableError(StoreError):
    """The vector engine cannot answer now; the database still can."""
