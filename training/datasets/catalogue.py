"""The data sets that training and evaluation know, with their licences, and how their files are read."""

import gzip
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from training.errors import DataError

DATA_VARIABLE: Final = "CLOSELOOP_DATA"

# Names of languages in some files that are no ISO codes.
_LANGUAGES: Final = {"chinese": "zh", "japanese": "ja"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """On what terms a data set may be used.

    Attributes:
        name: As its publisher states it.
        permissive: True when models trained on it may be shipped.
    """

    name: str
    permissive: bool


LICENCES: Final[Mapping[str, Licence]] = MappingProxyType(
    {
        "texts": Licence(name="MIT (written for this project)", permissive=True),
        "gold": Licence(name="mixed, by source; only rows marked permissive train", permissive=True),
        "umsab": Licence(name="Apache-2.0 (repository)", permissive=True),
        "banking77": Licence(name="CC BY 4.0", permissive=True),
        "csrest": Licence(name="MIT", permissive=True),
        "indonlu": Licence(name="Apache-2.0", permissive=True),
        "norec_sentence": Licence(name="CC BY-NC; models made from it explicitly free", permissive=True),
        "xed": Licence(name="CC BY 4.0", permissive=True),
        "afrisenti": Licence(name="CC BY 4.0", permissive=True),
        "gitbugs": Licence(name="CC BY 4.0", permissive=True),
        "app_review_search": Licence(name="MIT", permissive=True),
        "xsid": Licence(name="CC BY-SA 4.0 (evaluation)", permissive=False),
        "tatoeba": Licence(name="Tatoeba terms (evaluation)", permissive=False),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """One file as it was read.

    Attributes:
        source: Name in `LICENCES`.
        split: File name without its endings.
        sha256: Of the file as it lies on disk.
        rows: Its objects, in order.
    """

    source: str
    split: str
    sha256: str
    rows: list[dict[str, Any]]


def data_root() -> Path:
    """Return the folder of the data sets.

    Raises:
        DataError: The environment variable is unset or names no folder.
    """
    value = os.environ.get(DATA_VARIABLE, "")
    if not value:
        raise DataError(f"expected {DATA_VARIABLE} to name the folder of the data sets, but it is not set")
    root = Path(value).expanduser()
    if not root.is_dir():
        raise DataError(f"expected {DATA_VARIABLE} to name a folder, got {value!r}")
    return root


def data_path(root: Path, source: str, split: str) -> Path:
    """Return where a split lies: `source/split.jsonl.gz`, or `.jsonl` where that exists."""
    plain = root / source / f"{split}.jsonl"
    return plain if plain.exists() else root / source / f"{split}.jsonl.gz"


def read_data_file(root: Path, source: str, split: str) -> DataFile:
    """Read one split of a data set.

    Raises:
        DataError: The source is not in the catalogue, or the file is missing or damaged.
    """
    if source not in LICENCES:
        raise DataError(f"expected one of {', '.join(LICENCES)}, got the source {source!r}")
    path = data_path(root, source, split)
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
        # Not splitlines: texts may hold characters that it takes for ends of lines.
        rows = [json.loads(line) for line in text.split("\n") if line.strip()]
    except OSError as error:
        raise DataError(f"expected {source}/{split} at {path}, got {error}") from error
    except (ValueError, EOFError) as error:
        raise DataError(f"{path} is not JSON Lines: {error}") from error
    for row in rows:
        if "lang" in row:
            row["lang"] = _LANGUAGES.get(row["lang"], row["lang"])
    return DataFile(source=source, split=split, sha256=hashlib.sha256(content).hexdigest(), rows=rows)
