"""Read every source and bring the rows to one form."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter

from models.manifest import DataSource
from training.datasets.catalogue import LICENCES, DataFile, Licence, data_path, data_root, read_data_file
from training.datasets.example import Example, Role, write_examples
from training.datasets.judged import judged_examples, judged_path, judged_splits
from training.datasets.non_feedback import NON_FEEDBACK_ROWS, non_feedback_examples, read_non_feedback
from training.datasets.readers import examples_of_use, gold_examples
from training.datasets.tables import read_table, table_examples
from training.datasets.texts import read_texts, text_checksums, text_examples
from training.experiment import HEADS, Experiment, Use
from training.pipeline import Context, Stage, checksum
from training.rows import EXAMPLES, GOLD_ROWS

SOURCES = "sources.json"
SOURCE_LIST = TypeAdapter(tuple[DataSource, ...])

_RANK: dict[Role, int] = {"benchmark": 0, "validation": 1, "train": 2}


def _uses(experiment: Experiment) -> list[tuple[Use, Role]]:
    data = experiment.data
    return [
        *((use, "train") for use in data.train),
        *((use, "validation") for use in data.validation),
        *((use, "benchmark") for use in data.benchmark),
    ]


def _inputs(context: Context) -> Mapping[str, str]:
    data, root = context.experiment.data, data_root()
    files = {("gold", "dev"), *((use.source, use.split) for use, _ in _uses(context.experiment))}
    judged = judged_splits(data.labels) if data.labels else []
    paths = {f"{source}/{split}": data_path(root, source, split) for source, split in sorted(files)}
    if data.labels:
        paths |= {
            f"labels/{source}.{split}": judged_path(data.labels, source, split) for source, split in judged
        }
    if data.non_feedback:
        paths[NON_FEEDBACK_ROWS] = data.non_feedback
    paths |= {table.name: table.path for table in data.tables if table.path}
    found = {name: checksum(path) for name, path in paths.items() if path.exists()}
    return {"texts": text_checksums(data.texts), **found}


def _run(context: Context) -> None:
    examples, sources = read_all(context.experiment)
    kept = without_leaks(examples)
    write_examples(context.path(EXAMPLES), kept)
    told = [_with_use(source, kept) for source in sources]
    context.path(SOURCES).write_text(
        json.dumps(SOURCE_LIST.dump_python(tuple(told), mode="json"), indent=1), encoding="utf-8"
    )
    context.console.print(f"  {len(kept)} rows, {len(examples) - len(kept)} left out as copies")


def read_all(experiment: Experiment) -> tuple[list[Example], list[DataSource]]:
    """Read every row that an experiment names, and say where the rows come from.

    Raises:
        DataError: Something is missing or not of its form.
    """
    data, root = experiment.data, data_root()
    texts = text_examples(read_texts(data.texts), held_out=data.held_out)
    written = LICENCES["texts"]
    examples = list(texts)
    sources = [_source("texts", written, text_checksums(data.texts), len(texts))]
    gold = read_data_file(root, "gold", "dev")
    examples += _weighed(gold_examples(gold), data.gold_weight)
    sources.append(_source("gold/dev", LICENCES["gold"], gold.sha256, len(gold.rows)))
    for source, split in judged_splits(data.labels) if data.labels else []:
        file = read_data_file(root, source, split)
        if data.labels:
            examples += judged_examples(data.labels, file, weight=data.judged_weight, held_out=data.held_out)
        sources.append(_file_source(f"judged/{source}/{split}", file))
    if data.non_feedback:
        rows = non_feedback_examples(read_non_feedback(data.non_feedback), held_out=data.held_out)
        examples += rows
        sources.append(_source(NON_FEEDBACK_ROWS, written, checksum(data.non_feedback), len(rows)))
    for use, role in _uses(experiment):
        file = read_data_file(root, use.source, use.split)
        examples += examples_of_use(file, use, role)
        sources.append(_file_source(f"{use.source}/{use.split}", file))
    for table in data.tables:
        file = read_table(table)
        examples += table_examples(table, file)
        own = Licence(name=table.licence, permissive=table.permissive)
        sources.append(_source(f"{table.name}/{table.split}", own, file.sha256, len(file.rows)))
    return examples, list({source.name: source for source in sources}.values())


def without_leaks(examples: Sequence[Example]) -> list[Example]:
    """Drop rows whose text also stands where it must not be known from elsewhere.

    Texts to report on win over those to validate by, and those over the ones to train on; within a rank
    the first wins. A row goes as a whole, also when only one of its heads is known from elsewhere.
    """
    best: dict[tuple[str, str], int] = {}
    keys = [[(head, _plain(example.text)) for head in _labelled(example)] for example in examples]
    for example, labelled in zip(examples, keys, strict=True):
        for key in labelled:
            best[key] = min(best.get(key, 9), _RANK[example.role])
    seen: set[tuple[str, str]] = set()
    kept = []
    for example, labelled in zip(examples, keys, strict=True):
        mine = _RANK[example.role]
        if mine and any(best[key] < mine or key in seen for key in labelled):
            continue
        seen.update(labelled)
        kept.append(example)
    return kept


def _weighed(examples: list[Example], weight: float) -> list[Example]:
    return [replace(example, weight=weight) for example in examples]


def _labelled(example: Example) -> list[str]:
    return [head for head in HEADS if getattr(example, head) is not None]


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _file_source(name: str, file: DataFile) -> DataSource:
    return _source(name, LICENCES[file.source], file.sha256, len(file.rows))


def _source(name: str, licence: Licence, digest: str, rows: int) -> DataSource:
    return DataSource(
        name=name, licence=licence.name, permissive=licence.permissive, sha256=digest, rows=rows
    )


def _with_use(source: DataSource, examples: Sequence[Example]) -> DataSource:
    used: Counter[str] = Counter()
    for example in examples:
        if example.id.startswith(f"{source.name}/") or (
            source.name == "gold/dev" and example.source == GOLD_ROWS
        ):
            used.update(f"{head}/{example.role}" for head in _labelled(example))
    return source.model_copy(update={"used": dict(sorted(used.items()))})


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
