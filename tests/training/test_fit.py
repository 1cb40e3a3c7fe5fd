import copy
import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import BertConfig, BertModel

from models.branch import BranchShape
from models.encoder.torch_branch import TorchBranch
from models.labels import SENTIMENTS, TOPICS, URGENCIES
from training.datasets.example import Example
from training.experiment import Fitting
from training.fit import (
    Rows,
    State,
    _average,
    _optimizer,
    _set_rate,
    choose_device,
    fit,
    read_logits,
    without_tokens,
)
from training.labels import truth_of
from training.network import LOGITS, Network
from training.token_cache import TokenTable

COUNT, HIDDEN, FROZEN = 40, 16, 12
CPU = torch.device("cpu")
SHAPE = BranchShape(from_layer=1, first_layer=2, layers=1, queries=1, hidden=HIDDEN)
SETTINGS = Fitting(
    epochs=3,
    batch_rows=8,
    learning_rate=1e-3,
    head_learning_rate=0.02,
    warmup_steps=4,
    averaging=0.8,
    token_dropout=0.2,
)


def examples():
    """Rows of which each third says something about another head."""
    labels = [
        lambda n: {"sentiment": SENTIMENTS[n % 3]},
        lambda n: {"urgency": URGENCIES[n % 4], "sentiment": SENTIMENTS[n % 3]},
        lambda n: {"topics": (TOPICS[n % 5],), "signals": ("legal",) if n % 2 else ()},
    ]
    return tuple(
        Example(
            id=f"source{n % 2}/{n}",
            text=str(n),
            lang="en",
            source="s",
            group=str(n),
            role="train",
            **labels[n % 3](n),
        )
        for n in range(COUNT)
    )


@pytest.fixture(scope="module")
def tokens():
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 7, COUNT)
    states = rng.normal(size=(lengths.sum(), HIDDEN)).astype(np.float16)
    return TokenTable(states=states, offsets=np.concatenate([[0], np.cumsum(lengths)]))


@pytest.fixture(scope="module")
def read_by_branch(tokens):
    return Rows(examples=examples(), frozen=np.zeros((COUNT, 0), dtype=np.float32), tokens=tokens)


@pytest.fixture(scope="module")
def frozen_rows():
    features = np.random.default_rng(1).normal(size=(COUNT, FROZEN)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    return Rows(examples=examples(), frozen=features, tokens=None)


def bare():
    torch.manual_seed(0)
    return Network(None, frozen_width=FROZEN, dropout=0.1)


def branched():
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=20,
        hidden_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=16,
    )
    return Network(TorchBranch(SHAPE, BertModel(config)), frozen_width=0, dropout=0.1)


class Watcher:
    """Remembers what it is told; its process can be ended at a call."""

    def __init__(self, **dies):
        self.told = []
        self._dies = dies

    def _hear(self, name, *what):
        self.told.append((name, *what))
        if self.heard(name) == self._dies.get(name):
            raise Killed

    def heard(self, name):
        return sum(told[0] == name for told in self.told)

    def started(self, number, batches):
        self._hear("started", number, batches)

    def advanced(self):
        self._hear("advanced")

    def scores(self, averaged):
        assert not averaged.training
        self._hear("scores")
        weight = averaged.heads["urgency"].weight
        return {"urgency/weight": weight.detach().double().sum().item()}


class Killed(Exception):  # noqa: N818 (what happened, not what went wrong)
    """Stands for a process that ends."""


def fitted(network, rows, path, settings=SETTINGS, **changes):
    """Return the network and its history."""
    given = {"limits": {"source1": 12}, "seed": 5, "device": CPU, "checkpoint": path, "watcher": Watcher()}
    return fit(network, rows, settings, **given | changes)


def network_of(*arguments, **changes):
    return fitted(*arguments, **changes)[0]


def same(one, two):
    return all(torch.equal(value, two.state_dict()[name]) for name, value in one.state_dict().items())


@pytest.fixture(params=["frozen features", "branch"])
def case(request, frozen_rows, read_by_branch):
    """What makes a network, and the rows that it reads."""
    return (bare, frozen_rows) if request.param == "frozen features" else (branched, read_by_branch)


@pytest.mark.parametrize(
    "death",
    [
        {"advanced": 2},  # before there is a checkpoint
        {"scores": 1},
        {"started": 2},
        {"advanced": 7},  # in the middle of an epoch
        {"scores": 3},  # before the last is kept
    ],
    ids=str,
)
def test_a_fit_that_was_killed_ends_like_one_that_was_not(case, tmp_path, death):
    make, rows = case
    expected, remembered = fitted(make(), rows, tmp_path / "straight.safetensors")
    path = tmp_path / "killed.safetensors"
    with pytest.raises(Killed):
        fitted(make(), rows, path, watcher=Watcher(**death))
    found, history = fitted(make(), rows, path)
    assert same(found, expected)
    assert history == remembered


def test_a_fit_that_was_killed_again_and_again_ends_there_too(case, tmp_path):
    make, rows = case
    expected, remembered = fitted(make(), rows, tmp_path / "straight.safetensors")
    path = tmp_path / "killed.safetensors"
    for _ in range(2):
        # Dies as the second epoch that it begins does.
        with pytest.raises(Killed):
            fitted(make(), rows, path, watcher=Watcher(started=2))
    found, history = fitted(make(), rows, path)
    assert same(found, expected)
    assert history == remembered


def test_a_finished_fit_is_not_fitted_again(frozen_rows, tmp_path):
    path, watcher = tmp_path / "c.safetensors", Watcher()
    expected, remembered = fitted(bare(), frozen_rows, path)
    again, history = fitted(bare(), frozen_rows, path, watcher=watcher)
    assert same(again, expected)
    assert history == remembered
    assert watcher.told == []


def test_another_seed_ends_at_other_weights(case, tmp_path):
    make, rows = case
    one, two = (network_of(make(), rows, tmp_path / f"{seed}.safetensors", seed=seed) for seed in (1, 2))
    assert not same(one, two)


def test_every_epoch_and_batch_is_told_and_every_epoch_remembered(frozen_rows, tmp_path):
    watcher = Watcher()
    _, history = fitted(bare(), frozen_rows, tmp_path / "c.safetensors", watcher=watcher)
    # 20 rows of the source without a limit and 12 of the other, 8 a batch.
    epochs = [[("started", number, 4), *[("advanced",)] * 4, ("scores",)] for number in (1, 2, 3)]
    assert watcher.told == [told for epoch in epochs for told in epoch]
    assert [epoch.number for epoch in history] == [1, 2, 3]
    assert {head for epoch in history for head in epoch.losses} == set(LOGITS)
    assert all(np.isfinite(list(epoch.losses.values())).all() for epoch in history)
    assert len({epoch.validation["urgency/weight"] for epoch in history}) == 3


def test_the_network_comes_back_ready_to_predict_on_the_cpu(case, tmp_path):
    make, rows = case
    found = network_of(make(), rows, tmp_path / "c.safetensors")
    assert not found.training
    assert {value.device.type for value in found.state_dict().values()} == {"cpu"}


def test_what_can_be_learnt_is_learnt(frozen_rows, tmp_path):
    settings = SETTINGS.model_copy(update={"epochs": 60, "averaging": 0.9})
    found = network_of(bare(), frozen_rows, tmp_path / "c.safetensors", settings, limits={})
    told = [place for place, row in enumerate(frozen_rows.examples) if row.sentiment]
    truth = truth_of("sentiment", [frozen_rows.examples[place] for place in told])
    chosen = read_logits(found, frozen_rows, CPU)["sentiment"][told].argmax(axis=1)
    assert (chosen == truth).mean() > 0.8


def test_a_head_whose_loss_has_no_weight_stays_as_it_was(frozen_rows, tmp_path):
    settings = SETTINGS.model_copy(update={"loss_weights": {"urgency": 0.0}, "weight_decay": 0.0})
    before = copy.deepcopy(bare())
    found = network_of(bare(), frozen_rows, tmp_path / "c.safetensors", settings)
    torch.testing.assert_close(
        found.heads["urgency"].weight, before.heads["urgency"].weight, rtol=0, atol=1e-7
    )
    assert not torch.allclose(found.heads["sentiment"].weight, before.heads["sentiment"].weight)


def test_without_averaging_the_last_weights_are_returned(frozen_rows, tmp_path):
    path = tmp_path / "c.safetensors"
    found = network_of(bare(), frozen_rows, path, SETTINGS.model_copy(update={"averaging": 0.0}))
    stored = load_file(path)
    for name, value in found.state_dict().items():
        torch.testing.assert_close(value, stored[f"network.{name}"], rtol=0, atol=0)


def test_averaged_weights_are_returned_not_the_last_ones(frozen_rows, tmp_path):
    path = tmp_path / "c.safetensors"
    found = network_of(bare(), frozen_rows, path)
    stored = load_file(path)
    weight = found.heads["sentiment"].weight
    assert torch.equal(weight, stored["average.heads.sentiment.weight"])
    assert not torch.equal(weight, stored["network.heads.sentiment.weight"])


def test_the_average_forgets_its_first_weights_faster():
    network = bare()
    state = State(step=0, history=[], average={k: v.clone() for k, v in network.state_dict().items()})
    expected = state.average["heads.urgency.bias"].clone()
    for step in range(1, 40):
        with torch.no_grad():
            network.heads["urgency"].bias.fill_(float(step))
        state.step = step
        _average(state, network, 0.7)
        kept = min(0.7, (1 + step) / (10 + step))
        expected = kept * expected + (1 - kept) * step
    torch.testing.assert_close(state.average["heads.urgency.bias"], expected)


def test_rates_rise_over_the_warm_up_and_fall_in_a_line():
    settings = SETTINGS.model_copy(update={"warmup_steps": 10})
    optimizer = _optimizer(branched(), settings)
    rates = []
    for step in range(100):
        _set_rate(optimizer, settings, step, 100)
        rates.append([group["lr"] for group in optimizer.param_groups])
    shares = [branch / settings.learning_rate for branch, _ in rates]
    assert shares == pytest.approx([heads / settings.head_learning_rate for _, heads in rates])
    assert shares[:10] == sorted(shares[:10])
    assert shares[10:] == sorted(shares[10:], reverse=True)
    assert shares[0] == pytest.approx(0.1)
    assert shares[50] == pytest.approx(0.5)
    assert shares[99] == pytest.approx(0.02)


def test_without_a_warm_up_the_first_step_has_the_whole_rate():
    settings = SETTINGS.model_copy(update={"warmup_steps": 0})
    optimizer = _optimizer(bare(), settings)
    _set_rate(optimizer, settings, 0, 100)
    assert [group["lr"] for group in optimizer.param_groups] == [settings.head_learning_rate]


def test_layers_and_heads_have_rates_of_their_own_and_nothing_is_left_out():
    network = branched()
    layers, heads = _optimizer(network, SETTINGS).param_groups
    assert {id(value) for value in layers["params"]} == {id(v) for v in network.branch.layers.parameters()}
    assert len(layers["params"]) + len(heads["params"]) == len(list(network.parameters()))


def mask_of(*lengths):
    longest = max(lengths)
    return torch.tensor([[1.0] * length + [0.0] * (longest - length) for length in lengths])


def test_no_token_is_hidden_unless_asked_for():
    mask = mask_of(5, 2)
    assert torch.equal(without_tokens(mask, 0.0), mask)


@pytest.mark.parametrize("share", [0.3, 0.99, 1.0])
def test_a_text_keeps_its_first_token_and_gains_no_filling(share):
    torch.manual_seed(0)
    mask = mask_of(1, 30, 7)
    for _ in range(20):
        found = without_tokens(mask, share)
        assert found[:, 0].tolist() == [1.0, 1.0, 1.0]
        assert not (found > mask).any()


def test_about_the_share_asked_for_is_hidden_other_tokens_each_time():
    torch.manual_seed(0)
    mask = mask_of(*[200] * 50)
    one, two = without_tokens(mask, 0.25), without_tokens(mask, 0.25)
    assert one[:, 1:].mean().item() == pytest.approx(0.75, abs=0.02)
    assert not torch.equal(one, two)


@pytest.mark.parametrize(
    ("name", "gpu", "expected"),
    [("auto", True, "cuda"), ("auto", False, "cpu"), ("cpu", True, "cpu"), ("cuda", False, "cuda")],
)
def test_a_device_is_a_gpu_where_asked_for_or_where_there_is_one(monkeypatch, name, gpu, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    assert choose_device(name).type == expected


def test_a_checkpoint_is_one_safetensors_file_that_tells_how_far_it_is(case, tmp_path):
    make, rows = case
    path = tmp_path / "c.safetensors"
    network = network_of(make(), rows, path)
    assert [left.name for left in tmp_path.iterdir()] == ["c.safetensors"]
    with safe_open(path, "pt") as file:
        told = file.metadata()
        names = set(file.keys())
    assert (told["step"], len(json.loads(told["history"]))) == ("12", 3)
    weights = set(network.state_dict())
    assert {name for name in names if name.startswith("network.")} == {f"network.{n}" for n in weights}
    assert {name for name in names if name.startswith("average.")} == {f"average.{n}" for n in weights}
    moments = {name for name in names if name.startswith("optimizer.")}
    assert len(moments) == 3 * len(list(network.parameters()))


def test_a_checkpoint_half_written_is_not_gone_on_from(frozen_rows, tmp_path):
    (tmp_path / "c.part").write_bytes(b"half")
    expected = network_of(bare(), frozen_rows, tmp_path / "other.safetensors")
    assert same(network_of(bare(), frozen_rows, tmp_path / "c.safetensors"), expected)


def test_logits_come_in_the_order_of_the_rows_whatever_their_lengths(case, tmp_path):
    make, rows = case
    network = make().eval()
    found = read_logits(network, rows, CPU)
    with torch.inference_mode():
        for place in (0, 7, COUNT - 1):
            alone = network(*rows.inputs([place], CPU))
            for head, logits in alone.items():
                # The loop reads in bfloat16, of eight bits.
                np.testing.assert_allclose(found[head][place], logits[0].numpy(), atol=0.03)


def test_no_rows_have_no_logits(frozen_rows):
    nothing = Rows(examples=(), frozen=frozen_rows.frozen[:0], tokens=None)
    assert read_logits(bare(), nothing, CPU) == {}
