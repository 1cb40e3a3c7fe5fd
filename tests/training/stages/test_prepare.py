import json
from pathlib import Path

import pytest

from training.datasets.example import Example
from training.errors import DataError
from training.experiment import Table
from training.stages.prepare import SOURCE_LIST, SOURCES, read_all, without_leaks


def example(number, role, text="The same TEXT", **labels):
    return Example(
        id=f"{role}/{number}",
        text=text,
        lang="en",
        source="umsab",
        group=str(number),
        role=role,
        **labels or {"sentiment": "neutral"},
    )


def kept(*examples):
    return [row.id for row in without_leaks(list(examples))]


@pytest.mark.parametrize("role", ["train", "validation"])
def test_a_text_of_a_benchmark_is_dropped_elsewhere_whatever_comes_first(role):
    rows = [example(1, role, text="the same   text"), example(2, "benchmark")]
    assert kept(*rows) == kept(*rows[::-1]) == ["benchmark/2"]


def test_a_text_to_validate_by_is_dropped_from_training():
    assert kept(example(1, "train"), example(2, "validation")) == ["validation/2"]


def test_within_a_benchmark_nothing_is_dropped():
    assert kept(example(1, "benchmark"), example(2, "benchmark")) == ["benchmark/1", "benchmark/2"]


@pytest.mark.parametrize("role", ["train", "validation"])
def test_elsewhere_a_text_is_kept_once(role):
    assert kept(example(1, role), example(2, role)) == [f"{role}/1"]


def test_labels_of_another_head_are_no_leak():
    rows = (example(1, "train", topics=("other",)), example(2, "benchmark", sentiment="neutral"))
    assert kept(*rows) == ["train/1", "benchmark/2"]


def test_one_label_shared_with_a_benchmark_is_enough_to_drop_a_row():
    both = example(1, "train", topics=("other",), sentiment="neutral")
    assert kept(both, example(2, "benchmark", sentiment="neutral")) == ["benchmark/2"]


def test_rows_of_every_kind_of_source_are_read_with_their_role_and_weight(experiment, data_root):
    examples, sources = read_all(experiment)
    by_source = {}
    for row in examples:
        by_source.setdefault(row.id.split("/")[0], []).append(row)
    assert set(by_source) == {"texts", "gold", "judged", "non_feedback", "umsab", "banking77"}
    assert {row.weight for row in by_source["gold"]} == {experiment.data.gold_weight}
    assert {row.role for row in by_source["umsab"]} == {"train", "validation", "benchmark"}
    assert [source.name for source in sources][:2] == ["texts", "gold/dev"]
    assert len({row.id for row in examples}) == len(examples)


def test_a_row_labelled_by_the_guideline_wins_over_the_rule_of_its_source(experiment, data_root):
    examples, _ = read_all(experiment)
    same = [row for row in without_leaks(examples) if row.source == "banking77"]
    judged = [row for row in same if row.id.startswith("judged/")]
    assert len(judged) == 3
    assert len(same) == 8
    assert {row.topic for row in judged} == {"security_safety"}


def test_a_table_of_ones_own_is_read_beside_the_rest(experiment, data_root):
    Path("own.jsonl").write_text(json.dumps({"text": "Kortti katosi", "language": "fi", "urgency": "high"}))
    table = Table(name="own", path=Path("own.jsonl"), licence="ours", permissive=False, weight=3.0)
    data = experiment.data.model_copy(update={"tables": (table,)})
    examples, sources = read_all(experiment.model_copy(update={"data": data}))
    found = [row for row in examples if row.source == "own"]
    assert [(row.urgency, row.weight, row.role) for row in found] == [("high", 3.0, "train")]
    told = sources[-1]
    assert (told.name, told.licence, told.permissive, told.rows) == ("own/train", "ours", False, 1)


def test_missing_labels_of_a_split_are_said_by_name(experiment, data_root):
    (data_root / "banking77" / "train.jsonl.gz").unlink()
    with pytest.raises(DataError, match="expected banking77/train at"):
        read_all(experiment)


def test_the_prepared_sources_tell_what_rows_were_used_for(finished):
    sources = SOURCE_LIST.validate_json(finished.path(SOURCES).read_bytes())
    used = {source.name: source.used for source in sources}
    assert used["umsab/test"] == {"sentiment/benchmark": 30}
    assert used["gold/dev"]["urgency/train"] == 30
    assert used["gold/dev"]["urgency/validation"] == 60
    judged = used["judged/banking77/train"]
    assert judged["signals/train"] + judged.get("signals/validation", 0) == 3
