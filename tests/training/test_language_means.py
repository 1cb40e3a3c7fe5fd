import pytest
from typer.testing import CliRunner

from models.complaints.language_means import LanguageMeans
from models.encoder import HashingEncoder
from training.__main__ import app
from training.datasets.texts import read_texts
from training.language_means import language_means

FEW = '{{"id": "{lang}-{n}", "text": "the app {n}", "lang": "{lang}", "urgency": "low", "topic": "other", \
"topics": ["other"], "sentiment": "neutral", "churn_risk": false, "declares": [], "pair": null, \
"trade": "shop", "channel": "chat"}}\n'


@pytest.fixture
def texts(tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    for lang in ("en", "fi"):
        (folder / f"{lang}.jsonl").write_text("".join(FEW.format(lang=lang, n=n) for n in range(3)))
    return folder


def test_the_command_writes_the_means_of_each_language_under_the_space_s_name(texts, tmp_path):
    done = CliRunner().invoke(
        app, ["means", str(texts), "--encoder", "hashing", "--out", str(tmp_path / "out")]
    )
    assert done.exit_code == 0, done.output
    [written] = (tmp_path / "out").iterdir()
    assert written.name == f"{HashingEncoder().space}.npz"
    means = LanguageMeans.from_bytes(written.read_bytes())
    assert means.languages == ("en", "fi")
    rows = [text for some in read_texts(texts).values() for text in some]
    assert means.to_bytes() == language_means(rows, HashingEncoder()).to_bytes()


def test_a_folder_without_texts_ends_with_a_sentence_and_status_2(tmp_path):
    done = CliRunner().invoke(app, ["means", str(tmp_path / "none"), "--encoder", "hashing"])
    assert done.exit_code == 2
    assert "Traceback" not in done.output
