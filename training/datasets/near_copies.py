"""Which texts are copies of others, word for word or nearly so."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_GRAM = 10
"""Characters of a shingle: shared ones are rare by chance in any script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearCopy:
    """A text of which much stands in another one too.

    Attributes:
        place: Of the text among those asked about.
        other: Of the other one among those compared with.
        overlap: Share of the text's shingles that the other has, 0..1.
    """

    place: int
    other: int
    overlap: float


def find_near_copies(
    texts: Sequence[str], others: Iterable[str], *, least_overlap: float
) -> Iterator[NearCopy]:
    """Find texts of which much stands in another one; case, spaces and punctuation do not count.

    Texts too short for one shingle are compared as a whole.

    Args:
        texts: The texts asked about; kept in memory.
        others: What they are compared with, one at a time.
        least_overlap: Share of a text's shingles, 0..1.

    >>> list(find_near_copies(["It crashes at checkout!"], ["so it crashes at check-out"], least_overlap=0.9))
    [NearCopy(place=0, other=0, overlap=1.0)]
    """
    holders: dict[str, list[int]] = defaultdict(list)
    sizes = []
    for place, text in enumerate(texts):
        shingles = _shingles(text)
        sizes.append(len(shingles))
        for shingle in shingles:
            holders[shingle].append(place)
    for number, other in enumerate(others):
        shared = Counter(place for shingle in _shingles(other) for place in holders.get(shingle, ()))
        for place, count in shared.items():
            if count >= least_overlap * sizes[place]:
                yield NearCopy(place=place, other=number, overlap=count / sizes[place])


def plain_characters(text: str) -> str:
    """Return the letters and digits of a text, in lower case.

    >>> plain_characters("It's 5 €, OK?")
    'its5ok'
    """
    return "".join(character for character in text.casefold() if character.isalnum())


def _shingles(text: str) -> set[str]:
    plain = plain_characters(text)
    if len(plain) <= _GRAM:
        return {plain} if plain else set()
    return {plain[start : start + _GRAM] for start in range(len(plain) - _GRAM + 1)}
