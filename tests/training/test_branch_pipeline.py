"""A branch from end to end: trained beside a tiny transformer, packaged, and served from its folder."""

import copy
import json
import shutil
from io import StringIO

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.numpy import load_file

from models.artefact import BRANCH, CARD, MANIFEST, WEIGHTS, load_artefact
from models.branch import BranchShape
from models.encoder import SentenceEncoder
from models.encoder.torch_branch import TorchBranch
from models.errors import ArtefactError, EncoderMismatchError
from tests.tiny_encoder import write_tiny_folder
from training.comparison import compare_with_card
from training.datasets.example import read_examples
from training.fit import fit
from training.pipeline import make_context, run_stages
from training.stages import STAGES
from training.stages.train import HISTORY

SHAPE = BranchShape(from_layer=2, first_layer=3, layers=2, queries=2, hidden=32)
EPOCHS, TOKENS = 3, 60


@pytest.fixture(scope="module")
def branched(experiment):
    """The tiny experiment with a branch."""
    fitting = {"epochs": EPOCHS, "learning_rate": 1e-3, "tokens_max": TOKENS}
    return experiment.model_copy(
        update={
            "name": "branched",
            "branch": SHAPE,
            "feature_layers": (2, 3, 4),
            "fitting": experiment.fitting.model_copy(update=fitting),
        }
    )


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return SentenceEncoder(write_tiny_folder(tmp_path_factory.mktemp("encoder")), threads=1)


def new_context(experiment, encoder):
    """A context as another process would make it."""
    return make_context(experiment, encoder, Console(file=StringIO()))


@pytest.fixture(scope="module")
def trained():
    """Networks as they were fitted, before anything was rounded."""
    return []


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory, branched, encoder, data_writer, trained):
    """Where all stages have run once."""

    def fit_and_remember(*arguments, **settings):
        found = fit(*arguments, **settings)
        trained.append(copy.deepcopy(found[0]))
        return found

    folder = tmp_path_factory.mktemp("branched")
    data_writer(folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("CLOSELOOP_DATA", str(folder / "data"))
        patch.setattr("training.stages.train.fit", fit_and_remember)
        assert run_stages(STAGES, new_context(branched, encoder)) == [stage.name for stage in STAGES]
    return folder


@pytest.fixture
def finished(run_folder, branched, encoder, tmp_path, monkeypatch):
    """The context of a run that is finished; whatever a test does to it is its own."""
    shutil.copytree(run_folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("CLOSELOOP_DATA", str(tmp_path / "data"))
    return new_context(branched, encoder)


@pytest.fixture
def artefact(finished, encoder):
    return load_artefact(finished.experiment.output, encoder_name=encoder.name)


@pytest.fixture
def texts(finished, encoder):
    """Texts of every role that training reads whole."""
    rows = [row.text for row in read_examples(finished.path("examples.jsonl"))]
    short = [text for text, count in zip(rows, encoder.count_tokens(rows), strict=True) if count <= TOKENS]
    assert len(short) > 50
    return short


def changed(context, **updates):
    return new_context(context.experiment.model_copy(update=updates), context.features.encoder)


def test_a_branch_that_begins_above_the_encoder_is_refused(finished):
    shape = SHAPE.model_copy(update={"from_layer": 5})
    with pytest.raises(EncoderMismatchError, match="expected a layer from 1 to 4, got 5"):
        run_stages(STAGES, changed(finished, name="high", branch=shape))


def test_a_branch_of_more_layers_than_the_encoder_has_is_refused(finished):
    shape = SHAPE.model_copy(update={"layers": 3})
    with pytest.raises(EncoderMismatchError, match="the branch needs 5 layers of width 32"):
        run_stages(STAGES, changed(finished, branch=shape))


def test_a_folder_whose_branch_is_damaged_is_not_loaded(artefact, encoder):
    path = artefact.folder / BRANCH
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ArtefactError, match=r"branch\.safetensors is damaged"):
        load_artefact(artefact.folder, encoder_name=encoder.name)


def test_serving_gives_the_logits_of_the_trained_network(finished, trained, artefact, encoder, texts):
    (network,) = trained
    states, mask = finished.tokens.load(texts).padded(range(len(texts)))
    nothing = torch.zeros((len(texts), 0))
    with torch.inference_mode():
        expected = network(nothing, torch.from_numpy(states).float(), torch.from_numpy(mask))
    features = encoder.with_branch(artefact.branch).encode(texts).features
    for head, logits in expected.items():
        served = getattr(artefact.heads, head).logits(features)
        # Hidden states are kept and the branch is shipped in float16, of eleven bits.
        np.testing.assert_allclose(served, logits.numpy(), atol=0.02)
        assert np.ptp(served, axis=0).max() > 0.3


def test_retrieval_vectors_are_the_same_bits_as_before(artefact, encoder, texts):
    with_it = encoder.with_branch(artefact.branch).encode(texts)
    without = encoder.encode(texts)
    np.testing.assert_array_equal(with_it.vectors, without.vectors)
    assert with_it.features.shape == (len(texts), SHAPE.width)
    assert without.features.shape == (len(texts), 3 * 32)


def test_the_branch_has_moved_away_from_the_layers_that_it_began_as(artefact, encoder):
    first = TorchBranch(SHAPE, encoder.transformer).weights().tensors
    moved = [
        name
        for name, tensor in artefact.branch.tensors.items()
        if name.startswith("layers.") and not np.array_equal(tensor, first[name])
    ]
    assert len(moved) > len(first) / 2


def test_the_folder_holds_branch_heads_manifest_and_card_and_nothing_else(artefact):
    assert {path.name for path in artefact.folder.iterdir()} == {MANIFEST, WEIGHTS, BRANCH, CARD}
    assert set(artefact.manifest.files) == {WEIGHTS, BRANCH, CARD}
    assert artefact.manifest.branch == SHAPE
    assert artefact.heads.width == SHAPE.width
    assert "a branch of the encoder" in (artefact.folder / CARD).read_text()


def test_weights_take_two_bytes_each_in_the_branch_and_four_in_the_heads(artefact, encoder):
    module = TorchBranch(SHAPE, encoder.transformer)
    numbers = sum(parameter.numel() for parameter in module.parameters())
    size = (artefact.folder / BRANCH).stat().st_size
    assert 2 * numbers <= size <= 2 * numbers + 8192
    logits = 3 + 3 + 15 + 5
    size = (artefact.folder / WEIGHTS).stat().st_size
    assert 4 * logits * (SHAPE.width + 1) <= size <= 4 * logits * (SHAPE.width + 1) + 2048
    tensors = load_file(artefact.folder / BRANCH)
    assert {tensor.dtype for tensor in tensors.values()} == {np.dtype(np.float16)}


def test_the_folder_in_use_is_the_one_kept_under_its_revision(finished, artefact):
    kept = finished.experiment.registry / artefact.name / artefact.revision
    for path in artefact.folder.iterdir():
        assert (kept / path.name).read_bytes() == path.read_bytes()


def test_every_epoch_is_told_and_the_network_learns(finished):
    history = json.loads(finished.path(HISTORY).read_text())
    assert [epoch["number"] for epoch in history] == list(range(1, EPOCHS + 1))
    assert history[-1]["losses"]["sentiment"] < history[0]["losses"]["sentiment"]


def test_a_second_run_skips_everything(finished):
    assert run_stages(STAGES, finished) == []


def test_another_length_of_the_branch_prepares_nothing_again(finished):
    shape = SHAPE.model_copy(update={"queries": 3})
    assert run_stages(STAGES, changed(finished, branch=shape), until="train") == ["train"]


def test_another_beginning_of_the_branch_reads_another_layer_of_the_same_rows(finished):
    context = changed(finished, branch=SHAPE.model_copy(update={"from_layer": 1}))
    rows = [row.text for row in read_examples(finished.path("examples.jsonl")) if row.role == "train"]
    assert context.tokens.missing(rows) == list(dict.fromkeys(rows))
    assert run_stages(STAGES, context, until="train") == ["train"]
    assert context.tokens.missing(rows) == []


def test_the_figures_are_reproduced_from_the_folder_alone(finished, artefact):
    assert compare_with_card(finished, artefact.folder, finished.console) == 0


def test_without_a_branch_the_next_model_leaves_none_behind(finished, artefact, encoder):
    margins = {"margin": 1.0, "language_margin": 1.0, "signal_margin": 1.0}
    gate = finished.experiment.gate.model_copy(update=margins)
    bare = changed(finished, branch=None, gate=gate)
    assert run_stages(STAGES, bare)[-1] == "register"
    again = load_artefact(artefact.folder, encoder_name=encoder.name)
    assert (again.branch, again.heads.width) == (None, 3 * 32)
    assert not (artefact.folder / BRANCH).exists()


def test_a_branch_damaged_where_it_is_in_use_is_noticed_and_put_there_again_once_removed(
    finished, artefact, encoder
):
    (artefact.folder / BRANCH).write_bytes(b"")
    with pytest.raises(ArtefactError, match=r"branch\.safetensors is damaged"):
        run_stages(STAGES, finished)
    shutil.rmtree(artefact.folder)
    assert run_stages(STAGES, finished) == ["register"]
    assert load_artefact(artefact.folder, encoder_name=encoder.name).branch is not None
