"""The tokenizer's normalisation as a compiled character map.

The `Precompiled` normaliser of the `tokenizers` library looks each grapheme shorter than six bytes up in a
double-array trie; the shortest key that begins the grapheme replaces the whole of it. Otherwise it looks up
each character by itself. The weights file holds the keys of one character. The reference also holds
sequences of a base and a mark that compose into one character; those are regenerated here.

Source: SentencePiece, `src/builder.cc` (the map) and darts-clone (the trie).
"""

import struct
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_GRAPHEME_LIMIT_BYTES = 6
_SURROGATES = range(0xD800, 0xE000)
_LEAF = 1 << 31
_HAS_LEAF = 1 << 8
_OFFSET_SHIFT = 10
_OFFSET_LIMIT = 1 << 21
_LABELS = 256
_OPEN_BLOCKS = 4
"""How many of the last blocks are searched for room: more make a smaller trie, more slowly."""


def composed_pairs(character_map: Mapping[str, str]) -> dict[str, str]:
    r"""Find the two-character sequences that the reference composes into one character.

    Only those count that can be reached: shorter than six bytes, and not begun by a character that the map
    already replaces, for then the shorter key wins.

    Args:
        character_map: What single characters become; a mark that becomes another counts as that one too.

    Returns:
        From sequence to character.

    >>> composed_pairs({})["e\u0301"]
    'é'
    """
    marks: dict[str, list[str]] = {}
    for source, target in character_map.items():
        marks.setdefault(target, []).append(source)
    found: dict[str, str] = {}
    for code_point in range(1, 0x110000):
        if code_point in _SURROGATES:
            continue
        character = chr(code_point)
        parts = unicodedata.normalize("NFD", character)
        if len(parts) != 2 or unicodedata.normalize("NFKC", character) != character:  # noqa: PLR2004
            continue
        base, mark = parts[0], parts[1]
        for variant in (mark, *marks.get(mark, ())):
            key = base + variant
            if base not in character_map and len(key.encode()) < _GRAPHEME_LIMIT_BYTES:
                found[key] = character
    return found


def compile_charsmap(replacements: Mapping[str, str]) -> bytes:
    """Lay a character map out as the `Precompiled` normaliser reads it.

    Args:
        replacements: From one or more characters to what replaces them.

    Returns:
        The length of the trie in bytes, the trie, and the replacements, each ended by a zero byte.
    """
    places: dict[str, int] = {}
    blob = bytearray()
    for target in sorted(set(replacements.values())):
        places[target] = len(blob)
        blob += target.encode() + b"\0"
    keys = {key.encode(): places[target] for key, target in replacements.items() if "\0" not in key}
    trie = _double_array(keys)
    return struct.pack("<I", 4 * len(trie)) + struct.pack(f"<{len(trie)}I", *trie) + bytes(blob)


@dataclass(slots=True)
class _Node:
    children: "dict[int, _Node]" = field(default_factory=dict)
    value: int | None = None


def _nested(keys: Mapping[bytes, int]) -> _Node:
    root = _Node()
    for key, value in keys.items():
        node = root
        for byte in key:
            node = node.children.setdefault(byte, _Node())
        node.value = value
    return root


class _Places:
    """The units of the trie, and which of them are taken."""

    def __init__(self) -> None:
        self.units: list[int] = []
        self._taken: list[bool] = []
        self._bases: set[int] = set()
        self._grow()
        self._taken[0] = True  # the root

    def reserve(self, labels: Sequence[int]) -> int:
        """Find a base, used by no other node, whose places for these labels are all free, and take them."""
        first_open = max(0, len(self.units) - _OPEN_BLOCKS * _LABELS)
        for base in range(first_open, len(self.units)):
            if base not in self._bases and not any(self._taken[base ^ label] for label in labels):
                break
        else:
            base = len(self.units)
            self._grow()
        self._bases.add(base)
        for label in labels:
            self._taken[base ^ label] = True
        return base

    def _grow(self) -> None:
        # Whole blocks: a reader looks at base ^ label for every label without asking for the length.
        self.units.extend([0] * _LABELS)
        self._taken.extend([False] * _LABELS)


def _double_array(keys: Mapping[bytes, int]) -> list[int]:
    places = _Places()
    pending = [(0, _nested(keys))]
    while pending:
        position, node = pending.pop()
        labels = sorted(node.children) if node.value is None else [0, *sorted(node.children)]
        base = places.reserve(labels)
        offset = position ^ base
        if offset >= _OFFSET_LIMIT:
            raise ValueError(f"Expected an offset below {_OFFSET_LIMIT} in the trie, got {offset}.")
        places.units[position] |= offset << _OFFSET_SHIFT
        if node.value is not None:
            places.units[position] |= _HAS_LEAF
            places.units[base] = _LEAF | node.value
        for label, child in node.children.items():
            places.units[base ^ label] = label
            pending.append((base ^ label, child))
    return places.units
