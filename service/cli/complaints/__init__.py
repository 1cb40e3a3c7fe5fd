"""`closeloop complaints`: what recurs, and what people do about it."""

from collections.abc import Callable
from typing import Final

from service.cli.complaints import acts as _acts
from service.cli.complaints.listing import list_complaints as _list
from service.cli.complaints.refit import refit as _refit
from service.cli.complaints.showing import show as _show

COMMANDS: Final[tuple[tuple[str, Callable[..., None]], ...]] = (
    ("list", _list),
    ("show", _show),
    ("refit", _refit),
    ("rename", _acts.rename),
    ("merge", _acts.merge),
    ("split", _acts.split),
    ("move", _acts.move),
    ("dissolve", _acts.dissolve),
    ("close", _acts.close),
)
"""Names and what they call."""

__all__ = ["COMMANDS"]
