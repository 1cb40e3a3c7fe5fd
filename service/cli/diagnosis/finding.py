"""What one check found."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "failure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found.

    Attributes:
        check: What was looked at.
        level: `note` is worth knowing and stops nothing.
        detail: What was found.
        fix: What to do about it.
    """

    check: str
    level: Level
    detail: str
    fix: str = ""
