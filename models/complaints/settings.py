"""What can be set of a refit, each default with its measurement."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RefitSettings:
    """How a refit finds complaints; docs/decisions/0010-complaints.md says how the numbers were chosen.

    Attributes:
        least_texts: Texts that make a complaint.
        least_customers: Customers that make a complaint.
        neighbours: Nearest texts of its own language, and of other languages, that a text is compared with;
            fewer among few texts.
        floor: Centred cosine below which two texts have nothing to do with each other: of pairs drawn at
            random from news or question titles 1 % lie above 0.30, 2 % above 0.25.
        resolution: Of the themes.
        few_texts: Below, the resolution falls to half: few texts are in one piece easily.
        many_texts: Above, the resolution grows with the root of the number of texts, so that complaints grow
            slower than the corpus.
        tightness: Density of ties inside a small complaint, 0..1.
        loose_share: Largest share of its ties that a small complaint gives to the rest of its theme.
        join_share: Least share of its ties that a text gives to the complaint it joins.
        leave_share: A member that gives less than this to its complaint, and the half to another, leaves.
        split_share: Largest share of its ties that a part gives to the rest of a complaint it splits from;
            well below `loose_share`, so that what was once together stays so.
        merge_share: Least share of its ties that a complaint gives to the one it merges into.
    """

    least_texts: int = 3
    least_customers: int = 3
    neighbours: int = 15
    floor: float = 0.25
    resolution: float = 2.0
    few_texts: int = 1_000
    many_texts: int = 10_000
    tightness: float = 0.3
    loose_share: float = 0.2
    join_share: float = 0.2
    leave_share: float = 0.02
    split_share: float = 0.05
    merge_share: float = 0.5

    def neighbours_among(self, texts: int) -> int:
        """Return how many neighbours a text has among so many.

        >>> RefitSettings().neighbours_among(100), RefitSettings().neighbours_among(100_000)
        (8, 15)
        """
        return max(3, min(self.neighbours, round(1.2 * max(1, texts).bit_length())))

    def resolution_among(self, texts: int) -> float:
        """Return the resolution for so many texts.

        >>> [RefitSettings().resolution_among(texts) for texts in (100, 5_000, 40_000)]
        [1.0, 2.0, 4.0]
        """
        if texts < self.few_texts:
            return self.resolution * max(0.5, math.sqrt(texts / self.few_texts))
        return self.resolution * math.sqrt(max(1.0, texts / self.many_texts))
