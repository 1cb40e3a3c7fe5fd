"""Measure what heads cost on top of the encoder: ``python tests/benchmarks/heads.py --write``.

The same real texts are read in turns by the encoder alone and by the encoder with the branch and heads of
models/default, so that a busy moment hits both alike. Needs CLOSELOOP_DATA; run it on an idle machine.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from models.artefact import load_artefact
from models.encoder import load_encoder
from models.predictions import LanguageGuess
from models.weights import default_cache
from tests.benchmarks.report import median, publish, table
from training.datasets.catalogue import data_root, read_data_file

FOLDER = Path(__file__).parents[2] / "models" / "default"
TEXTS = 512
BATCH = 32
LIMIT = 1.35


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="put the result into docs/benchmarks.md")
    arguments = parser.parse_args()

    texts = [row["text"] for row in read_data_file(data_root(), "umsab", "test").rows][:: 6960 // TEXTS]
    texts = sorted(texts[:TEXTS], key=len)
    batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
    alone = load_encoder("bundled", default_cache(), report=print, threads=arguments.threads)
    artefact = load_artefact(FOLDER, encoder_name=alone.name)
    branched = alone.with_branch(artefact.branch)
    language = LanguageGuess(code="en", confidence=1.0)

    def encode() -> None:
        for batch in batches:
            alone.encode(batch)

    def score() -> None:
        for batch in batches:
            artefact.heads.predict(branched.encode(batch).features, [language] * len(batch))

    seconds: dict[str, list[float]] = {"encoder alone": [], "encoder, branch and heads": []}
    for _ in range(arguments.rounds + 1):
        for name, run in (("encoder alone", encode), ("encoder, branch and heads", score)):
            began = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - began)
    rows = []
    base = median(seconds["encoder alone"][1:])
    for name, values in seconds.items():
        middle = median(values[1:])
        rows.append((name, f"{len(texts) / middle:.0f}", f"{middle / base:.3f}"))
    body = (
        f"{len(texts)} real tweets in sorted batches of {BATCH}, {arguments.threads} threads, torch float32, "
        f"{arguments.rounds} rounds in turns, medians. The aim: at most {LIMIT} times the encoder alone.\n\n"
        + table(("what", "texts/s", "time against the encoder alone"), rows)
    )
    publish("Heads", "python tests/benchmarks/heads.py --write", body, write=arguments.write)


if __name__ == "__main__":
    main()
