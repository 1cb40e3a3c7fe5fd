from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from models.branch import BranchShape
from models.heads import HEAD_KINDS
from models.labels import SENTIMENTS, SIGNALS, TOPICS, URGENCIES
from models.manifest import (
    SCHEMA_VERSION,
    HeadManifest,
    HeadsManifest,
    LearntThreshold,
    Manifest,
    UrgentThreshold,
)

LABELS = {"sentiment": SENTIMENTS, "urgency": URGENCIES, "topics": TOPICS, "signals": SIGNALS}
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
