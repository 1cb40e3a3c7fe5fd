"""A tiny encoder made in code: a weights file in the bundled form, and the folder it converts to."""

import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from models.weights.e5s import E5File
from models.weights.folder import write_sentence_transformers_folder

WORDS = ["▁the", "▁app", "▁crashes", "▁query", "▁passage", "▁payment", "▁maksu", "▁支払", "▁не", "ing", "ed"]
LETTERS = [*"abcdefghijklmnopqrstuvwxyzäöåéß.,:!?'0123456789", *"支払日本не"]
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", *WORDS, *LETTERS, "<mask>"]
CHARACTER_MAP = {
    "\u00a0": " ",
    "\u3000": " ",
    "\t": " ",
    "\n": " ",
    "\u200b": "",
    "ﬁ": "fi",
    "Ａ": "A",
    "ａ": "a",
}


def quantised(rng: np.random.Generator, count: int) -> bytes:
    """Random weights in the four-bit form."""
    blocks = np.empty(count // 32, dtype=np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)]))
    blocks["scale"] = rng.uniform(0.01, 0.05, len(blocks))
    blocks["nibbles"] = rng.integers(0, 256, (len(blocks), 16))
    return blocks.tobytes()


@dataclass(kw_only=True)
class TinyE5S:
    """The parts of a small weights file; change one to get a file that is wrong in that place."""

    magic: bytes = b"E5S1"
    version: int = 1
    hidden: int = 32
    layers: int = 4
    heads: int = 4
    inner: int = 64
    vocabulary: int = len(PIECES) + 5
    positions: int = 64
    block: int = 32
    pieces: list[str] = field(default_factory=lambda: list(PIECES))
    character_map: dict[str, str] = field(default_factory=lambda: dict(CHARACTER_MAP))
    seed: int = 0
    without: tuple[str, ...] = ()

    def write(self, path: Path) -> Path:
        """Write the file."""
        head = self.magic + struct.pack(
            "<8if", self.version, self.hidden, self.layers, self.heads, self.inner, self.vocabulary,
            self.positions, 2, 1e-12,
        )  # fmt: skip
        head += struct.pack("<i", self.block) + self._vocabulary()
        tensors = {name: raw for name, raw in self._tensors().items() if name not in self.without}
        table_size = 4 + sum(2 + len(name) + 21 for name in tensors)
        table, body = struct.pack("<i", len(tensors)), b""
        for name, (count, raw) in tensors.items():
            offset = len(head) + table_size + len(body)
            table += struct.pack("<H", len(name)) + name.encode()
            table += struct.pack("<BIQQ", int(len(raw) != 4 * count), count, offset, len(raw))
            body += raw
        path.write_bytes(head + table + body)
        return path

    def _vocabulary(self) -> bytes:
        encoded = [piece.encode() for piece in self.pieces]
        offsets = np.cumsum([0, *map(len, encoded)]).astype("<u4")
        scores = (-2 - np.arange(len(encoded)) / 10).astype("<f4")
        found = struct.pack("<5iQ", len(encoded), 0, 2, 1, 3, int(offsets[-1]))
        found += offsets.tobytes() + scores.tobytes() + b"".join(encoded)
        entries = b"".join(
            struct.pack(f"<IB{len(target)}I", ord(source), len(target), *map(ord, target))
            for source, target in self.character_map.items()
        )
        return found + struct.pack("<iI", len(self.character_map), len(entries)) + entries

    def _tensors(self) -> dict[str, tuple[int, bytes]]:
        rng = np.random.default_rng(self.seed)
        hidden, inner = self.hidden, self.inner

        def matrix(rows: int, columns: int) -> tuple[int, bytes]:
            return rows * columns, quantised(rng, rows * columns)

        def floats(count: int, around: float = 0.0) -> tuple[int, bytes]:
            return count, rng.normal(around, 0.1, count).astype("<f4").tobytes()

        found = {
            "emb.word": matrix(self.vocabulary, hidden),
            "emb.pos": floats(self.positions * hidden),
            "emb.type": floats(2 * hidden),
            "emb.ln.w": floats(hidden, 1.0),
            "emb.ln.b": floats(hidden),
        }
        for layer in range(self.layers):
            for part in ("q", "k", "v", "ao", "fi", "fo"):
                rows, columns = {"fi": (inner, hidden), "fo": (hidden, inner)}.get(part, (hidden, hidden))
                found[f"l{layer}.{part}.w"] = matrix(rows, columns)
                found[f"l{layer}.{part}.b"] = floats(rows)
            for part in ("aln", "oln"):
                found[f"l{layer}.{part}.w"] = floats(hidden, 1.0)
                found[f"l{layer}.{part}.b"] = floats(hidden)
        return found


def write_tiny_folder(base: Path) -> Path:
    """Write a tiny weights file into a folder, convert it, and return the converted folder inside."""
    folder = base / "folder"
    folder.mkdir()
    with E5File(TinyE5S().write(base / "tiny.bin")) as file:
        write_sentence_transformers_folder(file, folder)
    return folder
