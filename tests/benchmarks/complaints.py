"""Complaints beside BERTopic's defaults, on the same vectors in one run; needs CLOSELOOP_DATA.

The settings were chosen on other texts than those of the kept-back sets, which a first run had shown, though
(docs/decisions/0010-complaints.md says what that led to).
Unclustered texts count as singletons for both.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from hashlib import blake2b
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from bertopic import BERTopic
from sklearn.metrics import adjusted_rand_score, v_measure_score
from umap import UMAP

from models.complaints.refit import Earlier, Refit, refit
from models.complaints.texts import ComplaintText
from models.encoder import load_encoder
from service.settings import Settings
from tests.benchmarks.report import publish, table

SEEN_VARIETIES = ("ar", "en", "de", "it", "kk", "zh", "nap", "sr")
SEEN_TITLES = 8_000
SAMPLE = 8_000
STEPS = 10
SPACE = "1571fc98-c1-f32-r1"
"""Of the bundled encoder: a refit takes the means of languages that ship with it."""

INTRODUCTION = (
    "Both on the same vectors, on one thread each. BERTopic is seeded. Seconds are of `fit_transform` and "
    "of `refit`, once as the first call in a process of its own, as a refit is run (BERTopic's UMAP is "
    "compiled there), and once warm; the share is of the first; "
    "reordered means two texts swapped for BERTopic, and all of them shuffled for Closeloop."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSet:
    """Texts with the group each belongs to, and their vectors."""

    name: str
    rows: list[dict[str, Any]]
    vectors: Any

    @property
    def truth(self) -> list[str]:
        """The group each text belongs to."""
        return [str(row.get("intent", row.get("cluster"))) for row in self.rows]

    def texts(self) -> list[ComplaintText]:
        """The texts as a refit takes them; every text is of a customer of its own."""
        return [
            ComplaintText(
                id=f"{place}",
                text=row["text"],
                language=row["lang"],
                customer=None,
                occurred_on=date(2026, 1, 1),
            )
            for place, row in enumerate(self.rows)
        ]

    def only(self, name: str, wanted: Sequence[int]) -> "TextSet":
        """Some of the texts."""
        return TextSet(name=name, rows=[self.rows[place] for place in wanted], vectors=self.vectors[wanted])


def by_hash(row: dict[str, Any]) -> bytes:
    """Order texts as if by chance, the same on every machine."""
    return blake2b(row["text"].encode()).digest()


def read(data: Path, *paths: str) -> list[dict[str, Any]]:
    """Read rows of gzip'd JSON lines."""
    return [json.loads(line) for path in paths for line in gzip.open(data / path, "rt", encoding="utf-8")]


def load_parts(data: Path, cache: Path) -> dict[str, TextSet]:
    """Read the data and encode it, or take its vectors from an earlier run."""
    files = {
        "titles": ("short_text_clustering/stackoverflow.jsonl.gz",),
        "news": ("short_text_clustering/gsdmm_t.jsonl.gz",),
        "banking77": ("banking77/test.jsonl.gz",),
        "xsid": ("xsid/all.jsonl.gz",),
    }
    sets = {}
    for name, paths in files.items():
        rows = read(data, *paths)
        sets[name] = TextSet(name=name, rows=rows, vectors=encoded(name, rows, cache))
    return sets


def load_sets(data: Path, cache: Path) -> list[TextSet]:
    """Return the sets that are compared."""
    sets = load_parts(data, cache)
    unseen = sorted(
        range(SEEN_TITLES, len(sets["titles"].rows)), key=lambda i: by_hash(sets["titles"].rows[i])
    )
    news = [i for i, row in enumerate(sets["news"].rows) if by_hash(row)[0] % 2]
    other = [i for i, row in enumerate(sets["xsid"].rows) if row["lang"] not in SEEN_VARIETIES]
    return [
        sets["titles"].only("question titles, 8,000 kept back", unseen[:SAMPLE]),
        replace(sets["news"], name="news titles, all 11,108 (half of them seen)"),
        replace(sets["banking77"], name="banking77 test, kept back"),
        replace(sets["xsid"], name="xsid, all 18 varieties (8 of them seen)"),
        sets["news"].only("news titles, the half kept back", news),
        sets["xsid"].only("xsid, the 10 varieties kept back", other),
    ]


def encoded(name: str, rows: Sequence[dict[str, Any]], cache: Path) -> Any:
    """Return the vectors of texts in the precision that is stored."""
    digest = blake2b("\n".join(row["text"] for row in rows).encode(), digest_size=6).hexdigest()
    kept = cache / f"{name}-{digest}.npy"
    if not kept.exists():
        encoder = load_encoder("bundled", Settings().model_cache / "encoders", report=print)
        cache.mkdir(parents=True, exist_ok=True)
        np.save(kept, encoder.encode([row["text"] for row in rows]).vectors.astype("<f2"))
    vectors = np.load(kept).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def bertopic(texts: Sequence[str], vectors: Any) -> Any:
    """Run BERTopic's defaults, with a seed: so they are the same each time, and run on one thread."""
    reduction = UMAP(
        n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", low_memory=False, random_state=42
    )
    return np.array(BERTopic(umap_model=reduction).fit_transform(list(texts), vectors)[0])


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """Return what a call gives, and its seconds."""
    started = time.perf_counter()
    return call(), time.perf_counter() - started


def labels_of(found: Refit, count: int) -> Any:
    """Number the complaints; open texts are -1."""
    numbers = {complaint.id: place for place, complaint in enumerate(found.complaints)}
    return np.array([numbers.get(found.members[str(place)] or "", -1) for place in range(count)])


def alone(labels: Any) -> Any:
    """Give every unclustered text a group of its own."""
    labels = np.array(labels)
    open_ = labels < 0
    labels[open_] = labels.max() + 1 + np.arange(open_.sum())
    return labels


def quality(truth: Sequence[str], labels: Any) -> list[str]:
    """Clusters, share unclustered, V and ARI."""
    return [
        f"{len(set(labels[labels >= 0].tolist()))}",
        f"{(labels < 0).mean():.1%}",
        f"{v_measure_score(truth, alone(labels)):.3f}",
        f"{adjusted_rand_score(truth, alone(labels)):.3f}",
    ]


def in_a_process_of_its_own(method: str, one: TextSet, folder: Path) -> float:
    """Return the seconds of a first call, imports left out."""
    place = folder / "set.npz"
    np.savez(place, rows=json.dumps(one.rows), vectors=one.vectors)
    command = [sys.executable, __file__, "--alone", method, "--set", str(place)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    return float(done.stdout.splitlines()[-1])


def alone_in_process(method: str, place: Path) -> float:
    """Run one method on a stored set; return its seconds."""
    stored = np.load(place)
    one = TextSet(name="", rows=json.loads(str(stored["rows"])), vectors=stored["vectors"])
    words, texts = [row["text"] for row in one.rows], one.texts()
    if method == "BERTopic":
        return timed(lambda: bertopic(words, one.vectors))[1]
    return timed(lambda: refit(texts, one.vectors, space=SPACE))[1]


def compare(one: TextSet, folder: Path) -> tuple[list[list[str]], dict[str, Any]]:
    """Run both on a set; return two rows of the table, and the labels."""
    words = [row["text"] for row in one.rows]
    swapped = np.arange(len(words))
    swapped[[10, len(words) // 2]] = swapped[[len(words) // 2, 10]]
    seeded, first = timed(lambda: bertopic(words, one.vectors))
    again, second = timed(lambda: bertopic([words[i] for i in swapped], one.vectors[swapped]))
    theirs = min(first, second)
    drift = adjusted_rand_score(alone(seeded)[swapped], alone(again))
    texts = one.texts()
    found, ours = timed(lambda: refit(texts, one.vectors, space=SPACE))
    mixed = np.random.default_rng(0).permutation(len(texts))
    same = refit([texts[i] for i in mixed], one.vectors[mixed], space=SPACE).members == found.members
    cold = {method: in_a_process_of_its_own(method, one, folder) for method in ("BERTopic", "Closeloop")}
    peer = ["BERTopic", *quality(one.truth, seeded)]
    peer += [f"{cold['BERTopic']:.1f}", f"{theirs:.1f}", "1", f"ARI {drift:.3f}"]
    us = [
        "Closeloop",
        *quality(one.truth, labels_of(found, len(texts))),
        f"{cold['Closeloop']:.1f}",
        f"{ours:.1f}",
        f"{cold['Closeloop'] / cold['BERTopic']:.2f}",
        "identical" if same else "NOT identical",
    ]
    rows = [[one.name, *peer], ["", *us]]
    print(*rows, sep="\n", flush=True)  # noqa: T201  (minutes pass between the sets)
    return rows, {"BERTopic": seeded, "Closeloop": labels_of(found, len(texts))}


def across_languages(one: TextSet, found: dict[str, Any]) -> list[list[str]]:
    """Share of translation pairs together, and of other pairs of two languages."""
    english = [(row.get("text_en") or row["text"]).strip().lower() for row in one.rows]
    meaning = np.unique(english, return_inverse=True)[1]
    language = np.unique([row["lang"] for row in one.rows], return_inverse=True)[1]
    draw = np.random.default_rng(0).integers(0, len(meaning), (4_000_000, 2))
    left, right = draw[language[draw[:, 0]] != language[draw[:, 1]]].T
    order = np.argsort(meaning, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(meaning[order])) + 1)
    pairs = np.array([(a, b) for group in groups for a in group for b in group if language[a] < language[b]])
    other = meaning[left] != meaning[right]
    rows = []
    for name, labels in ((name, alone(labels)) for name, labels in found.items()):
        rows.append(
            [
                name,
                f"{(labels[pairs[:, 0]] == labels[pairs[:, 1]]).mean():.1%}",
                f"{(labels[left[other]] == labels[right[other]]).mean():.1%}",
                f"{adjusted_rand_score(one.truth, labels):.3f}",
            ]
        )
    return rows


def growth(one: TextSet) -> list[str]:
    """Add 5 % new texts and refit, ten times."""
    texts, order = one.texts(), np.random.default_rng(0).permutation(len(one.rows))
    sizes = [int(len(order) / 1.05 ** (STEPS - step)) for step in range(STEPS + 1)]
    earlier, kept, unexplained = Earlier(), [], 0
    for size in sizes:
        rows = order[:size]
        found = refit([texts[i] for i in rows], one.vectors[rows], space=SPACE, earlier=earlier)
        moved = {text for text, name in earlier.members.items() if found.members[text] != name}
        told = {text for event in found.events if event.event in {"split", "merged"} for text in event.texts}
        unexplained += len(moved ^ told)
        if earlier.members:
            kept.append(1 - len(moved) / len(earlier.members))
        members = {text: name for text, name in found.members.items() if name}
        earlier = Earlier(members=members, known=earlier.known | frozenset(members.values()))
    labels = labels_of(found, len(texts))
    figures = quality(one.truth, labels)
    return [one.name, f"{min(kept):.1%}", f"{np.mean(kept):.1%}", f"{unexplained}", figures[2], figures[3]]


def assignment(one: TextSet) -> list[str]:
    """Place each tenth text by the map of a refit of the others."""
    texts, truth = one.texts(), np.array(one.truth)
    new = np.arange(len(texts)) % 10 == 0
    found = refit([t for t, n in zip(texts, new, strict=True) if not n], one.vectors[~new], space=SPACE)
    majority = {
        complaint.id: max(set(kinds := truth[[int(i) for i in complaint.texts]].tolist()), key=kinds.count)
        for complaint in found.complaints
    }
    pure = np.mean([majority[name] == truth[int(text)] for text, name in found.members.items() if name])
    placed, seconds = timed(
        lambda: found.map.assign(one.vectors[new], [texts[i].language for i in np.flatnonzero(new)])
    )
    right = [
        majority[place.complaint] == truth[row]
        for place, row in zip(placed, np.flatnonzero(new), strict=True)
        if place.complaint
    ]
    return [
        one.name,
        f"{len(right) / new.sum():.1%}",
        f"{np.mean(right):.1%}",
        f"{pure:.1%}",
        f"{1e3 * seconds / new.sum():.2f}",
        f"{len(found.map.to_bytes()) / 1e6:.1f}",
    ]


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="keep the result in docs/benchmarks.md")
    parser.add_argument(
        "--vectors", type=Path, default=Path("var/benchmark-vectors"), help="kept between runs"
    )
    parser.add_argument("--sets", type=int, default=6, choices=(4, 5, 6), help="the first ones only")
    parser.add_argument("--alone", choices=("BERTopic", "Closeloop"), help="only time this one")
    parser.add_argument("--set", type=Path, help="stored set to time it on")
    given = parser.parse_args()
    if given.alone:
        print(alone_in_process(given.alone, given.set))  # noqa: T201  (read by the parent)
        return
    if "CLOSELOOP_DATA" not in os.environ:
        parser.error("expected the evaluation data's folder in CLOSELOOP_DATA, it is not set")
    sets = load_sets(Path(os.environ["CLOSELOOP_DATA"]), given.vectors)[: given.sets]
    few = sets[2].only("warm up", range(300))
    bertopic([row["text"] for row in few.rows], few.vectors)  # numba compiles
    refit(few.texts(), few.vectors, space=SPACE)
    head = [
        "set",
        "method",
        "clusters",
        "unclustered",
        "V",
        "ARI",
        "first call, s",
        "warm, s",
        "share of time",
    ]
    head += ["reordered"]
    with tempfile.TemporaryDirectory() as folder:
        compared = [compare(one, Path(folder)) for one in sets]
    parts = [
        INTRODUCTION,
        table(head, [row for rows, _ in compared for row in rows]),
    ]
    head = ["xsid, all", "translation pairs together", "other pairs together", "ARI on intents"]
    parts.append(table(head, across_languages(sets[3], compared[3][1])))
    print(parts[-1], flush=True)  # noqa: T201
    head = ["5 % new texts, ten times", "kept, worst", "kept, mean", "moves unexplained", "V", "ARI"]
    parts.append(table(head, [growth(one) for one in sets[:4]]))
    print(parts[-1], flush=True)  # noqa: T201
    head = ["a tenth is new", "joined", "of these right", "right in the refit", "ms a text", "map, MB"]
    parts.append(table(head, [assignment(one) for one in sets[:4]]))
    publish(
        "Complaints", "python tests/benchmarks/complaints.py --write", "\n\n".join(parts), write=given.write
    )


if __name__ == "__main__":
    main()
