"""A vector space's name as a folder or a collection may be called."""

import hashlib
import re

_READABLE_CHARS = 60
_HASH_CHARS = 12


def safe_name(space: str) -> str:
    """Return a name for `space` that every file system and Qdrant accept, and no other space has.

    Args:
        space: Identity of a vector space, any text.

    Returns:
        Letters, digits and hyphens: the readable part, then a hash of the whole. At most 73 characters.

    >>> safe_name("e5-small-q4:ab12/int8")
    'e5-small-q4-ab12-int8-dfc95558ede4'
    """
    readable = re.sub(r"[^A-Za-z0-9]+", "-", space).strip("-")[:_READABLE_CHARS]
    digest = hashlib.sha256(space.encode()).hexdigest()[:_HASH_CHARS]
    return f"{readable}-{digest}" if readable else digest
