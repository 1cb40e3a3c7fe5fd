from datetime import UTC, datetime

import numpy as np
import pytest
from pydantic import ValidationError

from models.branch import BranchShape
from models.calibration import Calibration
from models.heads import HEAD_KINDS, LinearHead
from models.labels import LABELS, SENTIMENTS, TOPICS, URGENCIES
from models.manifest import (
    SCHEMA_VERSION,
    HeadManifest,
    HeadsManifest,
    LearntThreshold,
    Manifest,
    UrgentThreshold,
)

SHAPE = BranchShape(from_layer=1, first_layer=2, layers=2, queries=2, hidden=5)


def heads():
    return {
        name: HeadManifest(kind=HEAD_KINDS[name][0], labels=labels).model_dump()
        for name, labels in LABELS.items()
    }


def manifest(**changes):
    values = {
        "name": "tiny",
        "revision": "1",
        "created": datetime(2026, 1, 1, tzinfo=UTC),
        "encoder": "tiny:0",
        "feature_layers": (6, 9, 12),
        "dimensions": 5,
        "heads": heads(),
        "urgent": UrgentThreshold(value=0.5, method="told"),
        "relevance": LearntThreshold(value=0.5, method="told"),
        "similar": LearntThreshold(value=0.5, method="told"),
        "files": {},
    }
    return Manifest.model_validate(values | changes)


@pytest.mark.parametrize("name", LABELS)
def test_every_head_is_needed(name):
    with pytest.raises(ValidationError, match=name):
        HeadsManifest.model_validate({key: head for key, head in heads().items() if key != name})


@pytest.mark.parametrize("name", LABELS)
def test_labels_in_another_order_are_refused(name):
    changed = heads()
    changed[name]["labels"] = changed[name]["labels"][::-1]
    with pytest.raises(ValidationError, match=f"{name} must have the labels"):
        HeadsManifest.model_validate(changed)


@pytest.mark.parametrize("field", ["suggest_from", "apply_from"])
@pytest.mark.parametrize("value", [-0.01, 1.01, float("nan"), float("inf")])
def test_a_threshold_that_is_no_probability_is_refused(field, value):
    with pytest.raises(ValidationError, match=field):
        HeadManifest.model_validate({"kind": "softmax", "labels": SENTIMENTS, field: value})


@pytest.mark.parametrize("version", [1, 3])
def test_another_schema_version_is_refused(version):
    with pytest.raises(ValidationError, match="schema_version"):
        manifest(schema_version=version)


def test_a_branch_with_a_field_nobody_knows_is_refused():
    with pytest.raises(ValidationError, match="surprise"):
        manifest(branch=SHAPE.model_dump() | {"surprise": 1})


def test_a_manifest_comes_back_from_its_json_as_it_was():
    written = manifest(branch=SHAPE)

    assert written.schema_version == SCHEMA_VERSION
    assert Manifest.model_validate_json(written.model_dump_json()) == written
    assert written.branch == SHAPE


def test_the_width_is_that_of_the_features_that_the_heads_read():
    assert manifest().width == 15
    assert manifest(feature_layers=(), branch=SHAPE).width == SHAPE.width == 15


def head(**changes):
    values = {
        "kind": "sequential",
        "labels": URGENCIES,
        "weight": np.ones((3, 2), dtype=np.float32),
        "bias": np.zeros(3, dtype=np.float32),
        "calibration": Calibration(temperature=(1.5,), shift=(0.1, 0.2, 0.3)),
        "suggest_from": 0.3,
        "apply_from": 0.7,
    }
    return LinearHead(**(values | changes))


def test_a_described_head_refuses_weights_that_do_not_fit_its_labels():
    with pytest.raises(ValueError, match="sequential head of 4 labels needs 3 rows"):
        HeadManifest.of(head()).with_weights(np.ones((4, 2), np.float32), np.zeros(4, np.float32))


def test_a_head_comes_back_from_its_description_and_its_weights():
    rows = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    topics = head(
        kind="sigmoid",
        labels=TOPICS,
        weight=np.ones((15, 2), np.float32),
        bias=np.zeros(15, np.float32),
        calibration=Calibration(),
        thresholds=(0.4,) * 15,
    )
    for made in (head(), topics):
        back = HeadManifest.of(made).with_weights(made.weight, made.bias)
        np.testing.assert_array_equal(back.probabilities(rows), made.probabilities(rows))
        assert (back.suggest_from, back.apply_from) == (made.suggest_from, made.apply_from)
        assert (back.labels, back.thresholds) == (made.labels, made.thresholds)
