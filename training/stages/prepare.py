"""Read every source, bring the rows to one form, encode their texts."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from models.manifest import DataSource
from training.datasets.catalogue import LICENCES, data_path, data_root, read_data_file
from training.datasets.example import Example, Role, write_examples
from training.datasets.readers import examples_of_use, gold_examples
from training.datasets.texts import read_texts, text_checksums, text_examples
from training.experiment import HEADS, Experiment, Use
from training.pipeline import Context, Stage, checksum

EXAMPLES = "examples.jsonl"
SOURCES = "sources.json"
SOURCE_LIST = TypeAdapter(tuple[DataSource, ...])


def _uses(experiment: Experiment) -> list[tuple[Use, Role]]:
    data = experiment.data
    return [
        *((use, "extra") for use in data.extra),
        *((use, "validation") for use in data.validation),
        *((use, "benchmark") for use in data.benchmark),
    ]


def _inputs(context: Context) -> Mapping[str, str]:
    root = data_root()
    files = {("gold", "dev"), *((use.source, use.split) for use, _ in _uses(context.experiment))}
    paths = {f"{source}/{split}": data_path(root, source, split) for source, split in sorted(files)}
    found = {name: checksum(path) for name, path in paths.items() if path.exists()}
    return {"texts": text_checksums(context.experiment.data.texts), **found}


def _run(context: Context) -> None:
    root = data_root()
    texts = read_texts(context.experiment.data.texts)
    written = text_examples(texts)
    gold_file = read_data_file(root, "gold", "dev")
    examples = [*written, *gold_examples(gold_file)]
    read = {
        "texts": (text_checksums(context.experiment.data.texts), len(written)),
        "gold/dev": (gold_file.sha256, len(gold_file.rows)),
    }
    for use, role in _uses(context.experiment):
        file = read_data_file(root, use.source, use.split)
        examples += examples_of_use(file, use, role)
        read[f"{use.source}/{use.split}"] = (file.sha256, len(file.rows))
    kept = without_leaks(examples)
    encode(context, [example.text for example in kept])
    write_examples(context.path(EXAMPLES), kept)
    sources = [_source(name, digest, rows, kept) for name, (digest, rows) in read.items()]
    context.path(SOURCES).write_text(
        json.dumps(SOURCE_LIST.dump_python(tuple(sources), mode="json"), indent=1), encoding="utf-8"
    )
    context.console.print(f"  {len(kept)} rows, {len(examples) - len(kept)} left out as copies")


def without_leaks(examples: list[Example]) -> list[Example]:
    """Drop rows whose text also stands where it must not be known from elsewhere.

    Texts to report on win over those to choose by, and those over the ones to train on; within the
    rows to report on nothing is dropped. A text with labels of several heads is kept once a head.
    """
    rank: dict[Role, int] = {"benchmark": 0, "report": 0, "folds": 1, "validation": 2, "extra": 3}
    best: dict[tuple[str, str], int] = {}
    keys = [[(head, _plain(example.text)) for head in _labelled(example)] for example in examples]
    for example, labelled in zip(examples, keys, strict=True):
        for key in labelled:
            best[key] = min(best.get(key, 9), rank[example.role])
    seen: set[tuple[str, str]] = set()
    kept = []
    for example, labelled in zip(examples, keys, strict=True):
        mine = rank[example.role]
        if mine and any(best[key] < mine or key in seen for key in labelled):
            continue
        seen.update(labelled)
        kept.append(example)
    return kept


def encode(context: Context, texts: list[str]) -> None:
    """Encode what is not in the cache yet, and show how it goes."""
    missing = len(context.features.missing(texts))
    if not missing:
        return
    columns = (TextColumn("  encoding"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=context.console) as progress:
        task = progress.add_task("encoding", total=missing)
        context.features.ensure(texts, advance=lambda done: progress.advance(task, done))


def _labelled(example: Example) -> list[str]:
    return [head for head in HEADS if getattr(example, head) is not None]


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _source(name: str, digest: str, rows: int, examples: list[Example]) -> DataSource:
    licence = LICENCES[name.split("/", maxsplit=1)[0]]
    used: Counter[str] = Counter()
    for example in examples:
        if example.id.startswith(f"{name}/") or (name == "gold/dev" and example.source == "gold"):
            used.update(f"{head}/{example.role}" for head in _labelled(example))
    return DataSource(
        name=name,
        licence=licence.name,
        permissive=licence.permissive,
        sha256=digest,
        rows=rows,
        used=dict(sorted(used.items())),
    )


def _writes(context: Context) -> list[Path]:
    return [context.path(EXAMPLES), context.path(SOURCES)]


PREPARE = Stage(
    name="prepare",
    run=_run,
    settings=lambda experiment: experiment.data.model_dump(mode="json"),
    inputs=_inputs,
    reads=(),
    writes=_writes,
)
