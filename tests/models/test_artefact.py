import hashlib
import json
import pickle
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

from models.artefact import BRANCH, CARD, MANIFEST, WEIGHTS, load_artefact, read_manifest, write_artefact
from models.branch import Branch, BranchShape
from models.calibration import Calibration
from models.errors import ArtefactError, EncoderMismatchError
from models.heads import Heads, LinearHead
from models.labels import SENTIMENTS, SIGNALS, TOPICS, URGENCIES
from models.manifest import (
    HeadManifest,
    HeadsManifest,
    LearntThreshold,
    Manifest,
    UrgentThreshold,
)

ENCODER = "tiny:0123abcd"
KINDS = {
    "sentiment": ("softmax", SENTIMENTS),
    "urgency": ("sequential", URGENCIES),
    "topics": ("sigmoid", TOPICS),
    "signals": ("sigmoid", SIGNALS),
}
THRESHOLDS = {"topics": (0.4,) * 15, "signals": (0.9, 0.8, 0.7, 0.6, 0.5)}
SHAPE = BranchShape(from_layer=1, first_layer=2, layers=2, queries=1, hidden=3)


def described(name):
    kind, labels = KINDS[name]
    return HeadManifest(
        kind=kind,
        labels=labels,
        temperature=(1.5,),
        suggest_from=0.3,
        apply_from=0.7,
        thresholds=THRESHOLDS.get(name, ()),
    )


def head(name, seed):
    kind, labels = KINDS[name]
    rng = np.random.default_rng(seed)
    rows = len(labels) - (kind == "sequential")
    return LinearHead(
        kind=kind,
        labels=labels,
        weight=rng.normal(size=(rows, 6)).astype(np.float32),
        bias=rng.normal(size=rows).astype(np.float32),
        calibration=Calibration(temperature=(1.5,)),
        suggest_from=0.3,
        apply_from=0.7,
        thresholds=THRESHOLDS.get(name, ()),
    )


@pytest.fixture
def heads():
    return Heads(**{name: head(name, seed) for seed, name in enumerate(KINDS)})


@pytest.fixture
def branch():
    rng = np.random.default_rng(7)
    shapes = {
        "queries": (1, 3),
        "key.weight": (3, 3),
        "key.bias": (3,),
        "layers.0.w": (2, 3),
        "layers.1.w": (2, 3),
    }
    tensors = {name: rng.normal(size=shape).astype(np.float16) for name, shape in shapes.items()}
    return Branch(shape=SHAPE, tensors=tensors)


@pytest.fixture
def folder(tmp_path, heads):
    """A model on the frozen layers alone."""
    write_artefact(
        tmp_path / "model",
        manifest=manifest_of(feature_layers=(1, 2, 3)),
        heads=heads,
        branch=None,
        card="# tiny\n",
    )
    return tmp_path / "model"


@pytest.fixture
def branched(tmp_path, heads, branch):
    """A model that has a branch, whose features are as wide."""
    manifest = manifest_of(feature_layers=(), branch=SHAPE)
    write_artefact(tmp_path / "branched", manifest=manifest, heads=heads, branch=branch, card="# tiny\n")
    return tmp_path / "branched"


def manifest_of(**changes):
    return Manifest(
        name="tiny",
        revision="2026.11.22-abc123",
        created=datetime(2026, 11, 22, tzinfo=UTC),
        encoder=ENCODER,
        dimensions=2,
        heads=HeadsManifest(**{name: described(name) for name in KINDS}),
        urgent=UrgentThreshold(value=0.4, method="told"),
        relevance=LearntThreshold(value=0.8, method="told"),
        similar=LearntThreshold(value=0.9, method="told"),
        files={},
        **changes,
    )


def change_manifest(folder, **changes):
    path = folder / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def replace_file(folder, name, content):
    """Write other content with a checksum that fits."""
    (folder / name).write_bytes(content)
    files = json.loads((folder / MANIFEST).read_text())["files"]
    change_manifest(folder, files=files | {name: hashlib.sha256(content).hexdigest()})


def replace_weights(folder, file=WEIGHTS, **changes):
    """Write other tensors with a checksum that fits; `None` leaves a tensor out."""
    tensors = load((folder / file).read_bytes()) | changes
    replace_file(folder, file, save({name: t for name, t in tensors.items() if t is not None}))


def refused(folder, match):
    with pytest.raises(ArtefactError, match=match):
        load_artefact(folder, encoder_name=ENCODER)


def test_missing_folder_is_refused(tmp_path):
    refused(tmp_path / "nowhere", "expected a model folder with manifest.json")


@pytest.mark.parametrize("name", [WEIGHTS, BRANCH, CARD])
def test_missing_file_is_refused(branched, name):
    (branched / name).unlink()
    refused(branched, f"expected {name} in the model folder")


@pytest.mark.parametrize("place", [0, 100, -1])
@pytest.mark.parametrize("name", [WEIGHTS, BRANCH, CARD])
def test_changed_file_is_refused(branched, name, place):
    content = bytearray((branched / name).read_bytes())
    content[min(place, len(content) - 1)] ^= 1
    (branched / name).write_bytes(content)
    refused(branched, f"{name} is damaged: expected sha256")


@pytest.mark.parametrize("name", [WEIGHTS, BRANCH])
def test_cut_off_file_is_refused(branched, name):
    content = (branched / name).read_bytes()
    (branched / name).write_bytes(content[: len(content) // 2])
    refused(branched, f"{name} is damaged: expected sha256")
    replace_file(branched, name, content[: len(content) // 2])
    refused(branched, f"{name} is not a safetensors file")


def test_cut_off_manifest_is_refused(folder):
    text = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(text[: len(text) // 2])
    refused(folder, "is not JSON")


def test_manifest_that_is_not_utf8_is_refused(folder):
    (folder / MANIFEST).write_bytes(b"\xff\xfe{")
    refused(folder, "is not JSON")


@pytest.mark.parametrize("version", [0, 1, 3, "2", None])
def test_unknown_schema_version_is_refused(folder, version):
    change_manifest(folder, schema_version=version)
    refused(folder, f"has schema version {version!r}, this program reads 2")


def test_manifest_that_is_a_list_is_refused(folder):
    (folder / MANIFEST).write_text("[]")
    refused(folder, "has schema version None")


def test_unknown_field_is_refused(folder):
    change_manifest(folder, surprise=1)
    refused(folder, "is not a valid manifest")


def test_label_outside_the_closed_set_is_refused(folder):
    heads = json.loads((folder / MANIFEST).read_text())["heads"]
    heads["sentiment"]["labels"][0] = "furious"
    change_manifest(folder, heads=heads)
    refused(folder, "sentiment must have the labels")


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_threshold_outside_its_range_is_refused(folder, value):
    change_manifest(folder, urgent={"value": value, "method": "told"})
    refused(folder, "is not a valid manifest")


def test_checksum_missing_from_the_manifest_is_refused(folder):
    change_manifest(folder, files={})
    refused(folder, f"gives no checksum for {WEIGHTS}")


@pytest.mark.parametrize("name", [WEIGHTS, BRANCH, CARD])
def test_checksum_missing_for_one_file_is_refused(branched, name):
    files = json.loads((branched / MANIFEST).read_text())["files"]
    del files[name]
    change_manifest(branched, files=files)
    refused(branched, f"gives no checksum for {name}")


def test_file_outside_the_folder_is_refused(folder):
    files = json.loads((folder / MANIFEST).read_text())["files"]
    change_manifest(folder, files=files | {"../elsewhere": "0" * 64})
    refused(folder, "names a file outside its folder")


def test_other_encoder_is_refused_with_the_command_that_trains_for_it(folder):
    with pytest.raises(EncoderMismatchError) as caught:
        load_artefact(folder, encoder_name="other:ffff")
    assert "'tiny:0123abcd'" in str(caught.value)
    assert "'other:ffff'" in str(caught.value)
    assert "python -m training run training/experiments/default.toml" in str(caught.value)


def test_weights_that_are_no_safetensors_are_refused(folder):
    replace_file(folder, WEIGHTS, b"not tensors")
    refused(folder, "is not a safetensors file")


def test_pickle_under_the_name_of_weights_is_refused(branched):
    replace_file(branched, BRANCH, pickle.dumps({"queries": np.zeros((1, 3), dtype=np.float16)}))
    refused(branched, f"{BRANCH} is not a safetensors file")


@pytest.mark.parametrize("name", [WEIGHTS, BRANCH])
def test_numbers_of_a_type_that_numpy_has_not_are_refused(branched, name):
    described = {"queries": {"dtype": "BF16", "shape": [1, 3], "data_offsets": [0, 6]}}
    header = json.dumps(described).encode()
    replace_file(branched, name, len(header).to_bytes(8, "little") + header + bytes(6))
    refused(branched, f"{name} holds numbers of the type 'BF16', which is not read here")


@pytest.mark.parametrize("name", ["urgency.bias", "signals.weight"])
def test_missing_tensor_is_refused(folder, name):
    replace_weights(folder, **{name: None})
    refused(folder, f"lacks the tensor '{name}'")


@pytest.mark.parametrize("name", ["queries", "key.weight", "key.bias"])
def test_missing_tensor_of_the_branch_is_refused(branched, name):
    replace_weights(branched, BRANCH, **{name: None})
    refused(branched, f"the branch lacks the tensor {name}")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"queries": np.zeros((2, 3), np.float16)}, r"queries of the branch must have the shape \(1, 3\)"),
        ({"key.bias": np.full(3, np.nan, np.float16)}, "key.bias of the branch must be finite"),
        ({"layers.1.w": np.full((2, 3), np.inf, np.float16)}, "layers.1.w of the branch must be finite"),
        ({"layers.0.w": np.zeros((2, 3), np.float32)}, "layers.0.w of the branch must be float16"),
        ({"layers.1.w": None}, "expected weights of 2 layers, got those of"),
    ],
)
def test_branch_that_does_not_fit_its_manifest_is_refused(branched, changes, match):
    replace_weights(branched, BRANCH, **changes)
    refused(branched, f"{BRANCH} does not fit its manifest: {match}")


@pytest.mark.parametrize("shape", [{"layers": 0}, {"hidden": "wide"}, {"heads": 4}])
def test_branch_of_an_unknown_form_is_refused(branched, shape):
    change_manifest(branched, branch=SHAPE.model_dump() | shape)
    refused(branched, "is not a valid manifest")


def test_branch_of_another_width_than_the_heads_read_is_refused(branched, branch):
    wider = SHAPE.model_copy(update={"queries": 2})
    change_manifest(branched, branch=wider.model_dump())
    replace_weights(branched, BRANCH, queries=np.zeros((2, 3), dtype=np.float16))
    refused(branched, "reads features of width 6, its manifest says 9")


def test_acting_on_less_than_what_is_worth_suggesting_is_refused(folder):
    heads = json.loads((folder / MANIFEST).read_text())["heads"]
    heads["urgency"] |= {"suggest_from": 0.8, "apply_from": 0.7}
    change_manifest(folder, heads=heads)
    refused(folder, "does not fit its manifest: expected apply_from to be at least suggest_from")


@pytest.mark.parametrize("field", ["abstain_below", "surprise"])
def test_field_of_a_head_that_is_not_of_this_form_is_refused(folder, field):
    heads = json.loads((folder / MANIFEST).read_text())["heads"]
    heads["urgency"][field] = 0.5
    change_manifest(folder, heads=heads)
    refused(folder, "is not a valid manifest")


def test_missing_head_is_refused(folder):
    heads = json.loads((folder / MANIFEST).read_text())["heads"]
    del heads["signals"]
    change_manifest(folder, heads=heads)
    refused(folder, "is not a valid manifest")


def test_tensor_of_another_shape_is_refused(folder):
    replace_weights(folder, **{"urgency.weight": np.zeros((4, 6), dtype=np.float32)})
    refused(folder, "does not fit its manifest: a sequential head of 4 labels needs 3 rows")


def test_tensor_of_another_precision_is_refused(folder):
    replace_weights(folder, **{"urgency.weight": np.zeros((3, 6), dtype=np.float16)})
    refused(folder, "urgency must be float32, got float16")


def test_weights_with_a_nan_are_refused(folder):
    replace_weights(folder, **{"sentiment.bias": np.array([0, np.nan, 0], dtype=np.float32)})
    refused(folder, "weights and biases must be finite")


def test_width_that_differs_from_the_manifest_is_refused(folder):
    change_manifest(folder, dimensions=3)
    refused(folder, "reads features of width 6, its manifest says 9")


def test_what_was_written_is_what_is_read(folder, heads):
    artefact = load_artefact(folder, encoder_name=ENCODER)
    features = np.random.default_rng(5).normal(size=(4, 6)).astype(np.float32)
    for name in KINDS:
        ours, theirs = getattr(artefact.heads, name), getattr(heads, name)
        np.testing.assert_array_equal(ours.probabilities(features), theirs.probabilities(features))
        assert (ours.suggest_from, ours.apply_from) == (theirs.suggest_from, theirs.apply_from)
        assert ours.thresholds == theirs.thresholds
    assert artefact.branch is None
    assert (artefact.name, artefact.revision) == ("tiny", "2026.11.22-abc123")
    assert (artefact.relevance_threshold, artefact.similar_threshold) == (0.8, 0.9)


def test_branch_that_was_written_is_the_one_that_is_read(branched, branch):
    found = load_artefact(branched, encoder_name=ENCODER).branch

    assert found.shape == branch.shape
    assert set(found.tensors) == set(branch.tensors)
    for name, tensor in branch.tensors.items():
        np.testing.assert_array_equal(found.tensors[name], tensor)


def test_writing_a_model_without_a_branch_over_one_with_it_leaves_none(branched, heads):
    write_artefact(
        branched, manifest=manifest_of(feature_layers=(1, 2, 3)), heads=heads, branch=None, card="# next\n"
    )
    assert not (branched / BRANCH).exists()
    assert load_artefact(branched, encoder_name=ENCODER).branch is None


def test_manifest_is_read_without_the_other_files(folder):
    (folder / WEIGHTS).unlink()
    assert read_manifest(folder).encoder == ENCODER


def test_writing_over_a_model_replaces_it(folder, heads):
    manifest = read_manifest(folder).model_copy(update={"revision": "next"})
    write_artefact(folder, manifest=manifest, heads=heads, branch=None, card="# next\n")
    assert load_artefact(folder, encoder_name=ENCODER).revision == "next"


def test_loading_imports_neither_scikit_learn_nor_torch(folder):
    root = Path(__file__).parents[2]
    code = (
        "import sys; from pathlib import Path; from models.artefact import load_artefact;"
        f"load_artefact(Path({str(folder)!r}), encoder_name={ENCODER!r});"
        "print([name for name in ('sklearn', 'scipy', 'torch', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)  # noqa: S603 (our own code)
    assert done.stdout.strip() == "[]"
