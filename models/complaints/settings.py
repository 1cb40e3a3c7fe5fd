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
        resolutions: Of the themes, the finest first. The first one is taken at which they hold together.
        bound_share: Share of all ties that lie inside of themes that hold together. Question titles of few
            broad classes pass it at 2, questions to a bank with many near intents at 6.
        few_texts: Below, the finest resolutions are left out: few texts are in one piece easily.
        many_texts: Above, resolutions grow with the root of the number of texts, so that complaints grow
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
    neighbours: int = 12
    floor: float = 0.25
    resolutions: tuple[float, ...] = (6.0, 4.0, 3.0, 2.0, 1.0)
    bound_share: float = 0.815
    few_texts: int = 1_800
    many_texts: int = 10_000
    tightness: float = 0.3
    loose_share: float = 0.15
    join_share: float = 0.2
    leave_share: float = 0.02
    split_share: float = 0.05
    merge_share: float = 0.5

    def neighbours_among(self, texts: int) -> int:
        """Return how many neighbours a text has among so many.

        >>> RefitSettings().neighbours_among(100), RefitSettings().neighbours_among(100_000)
        (8, 12)
        """
        return max(3, min(self.neighbours, round(1.2 * max(1, texts).bit_length())))

    def resolutions_among(self, texts: int) -> tuple[float, ...]:
        """Return the resolutions to try for so many texts, the finest first.

        >>> settings = RefitSettings()
        >>> [settings.resolutions_among(texts) for texts in (100, 600, 40_000)]
        [(1.0,), (3.0, 2.0, 1.0), (12.0, 8.0, 6.0, 4.0, 2.0)]
        """
        finest = self.resolutions[0] * math.sqrt(min(1.0, texts / self.few_texts))
        scale = math.sqrt(max(1.0, texts / self.many_texts))
        kept = [value for value in self.resolutions if value <= finest] or [self.resolutions[-1]]
        return tuple(value * scale for value in kept)
