"""A tiny data folder and an experiment on it that trains in seconds without weights."""

import gzip
import json
import shutil
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from models.encoder.hashing import HashingEncoder
from models.labels import SENTIMENTS, TOPICS, URGENCIES
from training.datasets.example import text_key
from training.datasets.judged import COLUMNS
from training.experiment import Experiment
from training.pipeline import make_context, run_stages
from training.stages import STAGES

WORDS = {
    "negative": "terrible awful",
    "neutral": "thing regarding",
    "positive": "lovely splendid",
    "low": "someday perhaps",
    "medium": "soon please",
    "high": "today blocked",
    "critical": "now danger",
}


def sentence(number, sentiment, urgency, topic):
    """A text whose words give its labels away."""
    return f"{WORDS[sentiment]} {WORDS[urgency]} {topic.replace('_', ' ')} number {number}"


def labels(number):
    return SENTIMENTS[number % 3], URGENCIES[number % 4], TOPICS[number % 15]


def write_lines(path: Path, rows) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def written_rows(language, count):
    for number in range(count):
        sentiment, urgency, topic = labels(number)
        yield {
            "id": f"{language}-{number:04d}",
            "text": sentence(f"{language}{number}", sentiment, urgency, topic),
            "lang": language,
            "urgency": urgency,
            "topic": topic,
            "topics": [topic],
            "sentiment": sentiment,
            "churn_risk": False,
            "declares": [],
            "pair": f"{language}-p{number // 2}" if number < 8 else None,
            "trade": "shop",
            "channel": "email",
        }


def gold_rows(count):
    for number in range(count):
        sentiment, urgency, topic = labels(number)
        yield {
            "id": f"g{number:04d}",
            "text": sentence(f"gold{number}", sentiment, urgency, topic),
            "lang": "en" if number % 2 else "fi",
            "source": "tests",
            "urgency": urgency,
            "topic": topic,
            "topics": [topic],
            "sentiment": sentiment,
            "agree": {},
            "permissive": number % 3 == 0,
        }


def tweets(split, count):
    for number in range(count):
        sentiment, _, topic = labels(number)
        yield {"text": f"{WORDS[sentiment]} {topic} {split} {number}", "lang": "de", "sentiment": sentiment}


def labels_of_data(root: Path, folder: Path) -> None:
    """Write labels by the guideline for three questions of banking77."""
    folder.mkdir()
    lines = gzip.decompress((root / "banking77" / "train.jsonl.gz").read_bytes()).decode().splitlines()
    keys = [text_key(json.loads(line)["text"]) for line in lines[:3]]
    rows = [f"{key}\tcritical\tsecurity_safety\t-\tnegative\t0\turgent,legal" for key in keys]
    (folder / "banking77.train.tsv").write_text("\n".join(["\t".join(COLUMNS), *rows]) + "\n")


def write_data(root: Path) -> None:
    """Write a folder like that of the data sets."""
    write_lines(root / "gold" / "dev.jsonl", gold_rows(90))
    for split, count in (("train", 45), ("val", 15), ("test", 30)):
        write_lines(root / "umsab" / f"{split}.jsonl.gz", tweets(split, count))
    questions = [("lost_or_stolen_card", "my card was stolen"), ("exchange_rate", "what is the rate")]
    write_lines(
        root / "banking77" / "train.jsonl.gz",
        [
            {"text": f"{text} {number}", "lang": "en", "intent": intent}
            for intent, text in questions
            for number in range(4)
        ],
    )
    judged = [
        {"text": f"I like to share photos {n}", "lang": "en", "query": "Share photos", "relevant": "Y"}
        for n in range(3)
    ] + [{"text": f"crashes {n}", "lang": "en", "query": "Share photos", "relevant": "N"} for n in range(3)]
    write_lines(root / "app_review_search" / "judged.jsonl.gz", judged)
    write_lines(
        root / "app_review_search" / "corpus.jsonl.gz",
        [{"text": f"some review {n}", "lang": "en", "id": str(n), "app": "a"} for n in range(5)],
    )
    write_lines(
        root / "tatoeba" / "test.jsonl.gz",
        [
            {"text": f"radio {word}", "text_en": f"the radio {word}", "lang": "sv", "id": n}
            for n, word in enumerate(("alfa", "beta", "gamma"))
        ],
    )
    labels_of_data(root, root.parent / "labels")
    noise = [("keyboard_mash", "asdf qwer zxcv"), ("code", "def f(x): return x")]
    write_lines(
        root.parent / "non_feedback.jsonl",
        [
            {"id": f"nf-{n}-{kind}", "text": f"{text} {n}", "lang": "und", "kind": kind}
            for kind, text in noise
            for n in range(20)
        ],
    )
    for language in ("en", "fi"):
        write_lines(root.parent / "texts" / f"{language}.jsonl", written_rows(language, 60))


@pytest.fixture
def data_root(tmp_path, monkeypatch):
    """A tiny data folder, named by the environment, and written texts beside it."""
    write_data(tmp_path / "data")
    monkeypatch.setenv("CLOSELOOP_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture(scope="session")
def data_writer():
    """Writes the tiny data into a folder, for a run that several tests share."""
    return write_data


@pytest.fixture(scope="session")
def experiment():
    """An experiment on the tiny data, whose paths begin at the current folder."""
    return Experiment.model_validate(
        {
            "name": "tiny",
            "encoder": "hashing",
            "device": "cpu",
            "feature_layers": [0, 1, 2],
            "output": "output/model",
            "data": {
                "texts": "texts",
                "labels": "labels",
                "non_feedback": "non_feedback.jsonl",
                "held_out": 0.3,
                "train": [
                    {"source": "umsab", "split": "train", "heads": ["sentiment"], "limit": 30},
                    {"source": "banking77", "split": "train", "heads": ["urgency", "topics"]},
                ],
                "validation": [{"source": "umsab", "split": "val", "heads": ["sentiment"]}],
                "benchmark": [{"source": "umsab", "split": "test", "heads": ["sentiment"]}],
            },
            "fitting": {"epochs": 12, "head_learning_rate": 0.02, "warmup_steps": 5, "averaging": 0.9},
            "calibration": {"folds": 2},
        }
    )


class CountingEncoder(HashingEncoder):
    """Remembers how many texts it encoded, and can be made to stop."""

    def __init__(self):
        self.encoded = 0
        self.stop_after = None

    def encode(self, texts):
        if self.stop_after is not None and self.encoded >= self.stop_after:
            raise KeyboardInterrupt
        self.encoded += len(texts)
        return super().encode(texts)


@pytest.fixture
def encoder():
    return CountingEncoder()


def new_context(experiment, encoder):
    """A context as another process would make it."""
    return make_context(experiment, encoder, Console(file=StringIO()))


@pytest.fixture
def context(experiment, encoder, data_root):
    """What a stage gets, on the tiny experiment, before anything ran."""
    return new_context(experiment, encoder)


@pytest.fixture(scope="session")
def finished_folder(tmp_path_factory, experiment):
    """Where all stages have run once."""
    folder = tmp_path_factory.mktemp("finished")
    write_data(folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("CLOSELOOP_DATA", str(folder / "data"))
        run_stages(STAGES, new_context(experiment, CountingEncoder()))
    return folder


@pytest.fixture
def finished(finished_folder, experiment, encoder, tmp_path, monkeypatch):
    """The context of a run that is finished; whatever a test does to it is its own."""
    shutil.copytree(finished_folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("CLOSELOOP_DATA", str(tmp_path / "data"))
    return new_context(experiment, encoder)
