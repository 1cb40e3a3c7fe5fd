import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

from models.artefact import CARD, MANIFEST, WEIGHTS, load_artefact, read_manifest, write_artefact
from models.calibration import Calibration
from models.errors import ArtefactError, EncoderMismatchError
from models.heads import Heads, LinearHead
from models.labels import SENTIMENTS, TOPICS, URGENCIES
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
}


def described(name):
    kind, labels = KINDS[name]
    thresholds = (0.4,) * 15 if name == "topics" else ()
    return HeadManifest(
        kind=kind, labels=labels, temperature=(1.5,), abstain_below=0.3, thresholds=thresholds
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
        abstain_below=0.3,
        thresholds=(0.4,) * 15 if name == "topics" else (),
    )


@pytest.fixture
def heads():
    return Heads(**{name: head(name, seed) for seed, name in enumerate(KINDS)})


@pytest.fixture
def folder(tmp_path, heads):
    manifest = Manifest(
        name="tiny",
        revision="2026.11.22-abc123",
        created=datetime(2026, 11, 22, tzinfo=UTC),
        encoder=ENCODER,
        feature_layers=(1, 2, 3),
        dimensions=2,
        heads=HeadsManifest(**{name: described(name) for name in KINDS}),
        urgent=UrgentThreshold(value=0.4, method="told"),
        relevance=LearntThreshold(value=0.8, method="told"),
        similar=LearntThreshold(value=0.9, method="told"),
        files={},
    )
    write_artefact(tmp_path / "model", manifest=manifest, heads=heads, card="# tiny\n")
    return tmp_path / "model"


def change_manifest(folder, **changes):
    path = folder / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def replace_weights(folder, **changes):
    """Write other tensors with a checksum that fits; `None` leaves a tensor out."""
    tensors = load((folder / WEIGHTS).read_bytes()) | changes
    content = save({name: tensor for name, tensor in tensors.items() if tensor is not None})
    (folder / WEIGHTS).write_bytes(content)
    files = json.loads((folder / MANIFEST).read_text())["files"]
    change_manifest(folder, files=files | {WEIGHTS: hashlib.sha256(content).hexdigest()})


def refused(folder, match):
    with pytest.raises(ArtefactError, match=match):
        load_artefact(folder, encoder_name=ENCODER)


def test_missing_folder_is_refused(tmp_path):
    refused(tmp_path / "nowhere", "expected a model folder with manifest.json")


@pytest.mark.parametrize("name", [WEIGHTS, CARD])
def test_missing_file_is_refused(folder, name):
    (folder / name).unlink()
    refused(folder, f"expected {name} in the model folder")


@pytest.mark.parametrize("name", [WEIGHTS, CARD])
def test_changed_file_is_refused(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[-1] ^= 1
    (folder / name).write_bytes(content)
    refused(folder, f"{name} is damaged: expected sha256")


def test_cut_off_manifest_is_refused(folder):
    text = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(text[: len(text) // 2])
    refused(folder, "is not JSON")


def test_manifest_that_is_not_utf8_is_refused(folder):
    (folder / MANIFEST).write_bytes(b"\xff\xfe{")
    refused(folder, "is not JSON")


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_unknown_schema_version_is_refused(folder, version):
    change_manifest(folder, schema_version=version)
    refused(folder, f"has schema version {version!r}, this program reads 1")


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
    content = b"not tensors"
    (folder / WEIGHTS).write_bytes(content)
    files = json.loads((folder / MANIFEST).read_text())["files"]
    change_manifest(folder, files=files | {WEIGHTS: hashlib.sha256(content).hexdigest()})
    refused(folder, "is not a safetensors file")


def test_missing_tensor_is_refused(folder):
    replace_weights(folder, **{"urgency.bias": None})
    refused(folder, "lacks the tensor 'urgency.bias'")


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
        assert (ours.abstain_below, ours.thresholds) == (theirs.abstain_below, theirs.thresholds)
    assert (artefact.name, artefact.revision) == ("tiny", "2026.11.22-abc123")
    assert (artefact.relevance_threshold, artefact.similar_threshold) == (0.8, 0.9)


def test_manifest_is_read_without_the_other_files(folder):
    (folder / WEIGHTS).unlink()
    assert read_manifest(folder).encoder == ENCODER


def test_writing_over_a_model_replaces_it(folder, heads):
    manifest = read_manifest(folder).model_copy(update={"revision": "next"})
    write_artefact(folder, manifest=manifest, heads=heads, card="# next\n")
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
