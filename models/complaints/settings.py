"""What can be set of a refit, each default with its measurement."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RefitSettings:
    """How a refit finds complaints.

    Attributes:
        least_texts: Texts that make a complaint.
        least_customers: Customers that make a complaint.
        neighbours: Nearest texts each text is compared with.
    """

    least_texts: int = 3
    least_customers: int = 3
    neighbours: int = 15
