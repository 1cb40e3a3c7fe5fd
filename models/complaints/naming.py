"""From members and keywords to what a complaint is called."""

from collections import Counter
from collections.abc import Mapping, Sequence

from models.arrays import Floats2d, Ints1d
from models.complaints.coverage import central, covering
from models.complaints.names import ComplaintName
from models.complaints.texts import ComplaintText
from models.complaints.titles import title_from

_TITLE_CANDIDATES = 8
_REPRESENTATIVES = 6


def name_complaint(
    texts: Sequence[ComplaintText],
    vectors: Floats2d,
    members: Ints1d,
    keywords: Mapping[str, tuple[str, ...]],
) -> ComplaintName:
    """Name one complaint from its members.

    Args:
        texts: All texts of the refit.
        vectors: Centred, on the grid. *Shape:* ``(len(texts), dimensions)``, float32.
        members: Rows of its members, not empty.
        keywords: By language, best first.
    """
    ranked = members[central(vectors[members])]
    by_language: dict[str, list[int]] = {}
    for row in ranked.tolist():
        by_language.setdefault(texts[row].language, []).append(row)
    languages = sorted(by_language, key=lambda code: (-len(by_language[code]), code))
    titles, sources = {}, {}
    for code in languages:
        offered = by_language[code][:_TITLE_CANDIDATES]
        title, place = title_from([texts[row].text for row in offered], code, keywords.get(code, ()))
        if title:
            titles[code], sources[code] = title, texts[offered[place]].id
    return ComplaintName(
        titles=titles,
        sources=sources,
        keywords={code: keywords[code] for code in languages if keywords.get(code)},
        representatives=tuple(
            texts[row].id for row in _representatives(texts, vectors, by_language, languages)
        ),
    )


def _representatives(
    texts: Sequence[ComplaintText],
    vectors: Floats2d,
    by_language: Mapping[str, list[int]],
    languages: Sequence[str],
) -> list[int]:
    """Choose by turns among the languages; within one, central first, then what is farthest from it."""
    chosen: list[int] = []
    said: set[str] = set()
    each = max(1, -(-_REPRESENTATIVES // len(languages)))
    offered = {
        code: [rows[place] for place in covering(vectors[rows], each, start=0)]
        for code, rows in by_language.items()
    }
    turns: Counter[str] = Counter()
    while len(chosen) < _REPRESENTATIVES and any(turns[code] < len(offered[code]) for code in languages):
        for code in languages:
            if turns[code] < len(offered[code]) and len(chosen) < _REPRESENTATIVES:
                row = offered[code][turns[code]]
                turns[code] += 1
                plain = " ".join(texts[row].text.casefold().split())
                if plain not in said:
                    said.add(plain)
                    chosen.append(row)
    return chosen
