import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel

from models.branch import BranchShape
from models.encoder.torch_branch import TorchBranch
from models.encoder.windows import l2_normalise
from models.labels import SENTIMENTS, SIGNALS, TOPICS, URGENCIES
from training.network import LOGITS, STRETCH, Network

HIDDEN, FROZEN = 16, 6
SHAPE = BranchShape(from_layer=1, first_layer=2, layers=1, queries=2, hidden=HIDDEN)


@pytest.fixture(scope="module")
def transformer():
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=20,
        hidden_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=16,
    )
    return BertModel(config).eval()


@pytest.fixture
def branched(transformer):
    torch.manual_seed(1)
    return Network(TorchBranch(SHAPE, transformer), frozen_width=FROZEN, dropout=0.5).eval()


@pytest.fixture
def bare():
    torch.manual_seed(2)
    return Network(None, frozen_width=FROZEN, dropout=0.5).eval()


@pytest.fixture
def inputs():
    torch.manual_seed(3)
    mask = torch.tensor([[1.0] * 5, [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]])
    frozen = torch.nn.functional.normalize(torch.randn(3, FROZEN), dim=1)
    return frozen, torch.randn(3, 5, HIDDEN), mask


def agree(layers, features, logits):
    for head, layer in layers.items():
        expected = logits[head].detach().numpy()
        np.testing.assert_allclose(layer.logits(features), expected, rtol=1e-5, atol=1e-5)


def test_a_head_has_a_logit_a_label_and_urgency_one_a_step():
    expected = {"sentiment": SENTIMENTS, "urgency": URGENCIES[1:], "topics": TOPICS, "signals": SIGNALS}
    assert {head: len(labels) for head, labels in expected.items()} == dict(LOGITS)


def test_without_a_branch_states_are_not_looked_at(bare, inputs):
    frozen, states, mask = inputs
    one = bare(frozen, states, mask)
    two = bare(frozen, torch.full((3, 1, 1), torch.nan), torch.zeros(3, 1))
    assert all(torch.equal(one[head], two[head]) for head in LOGITS)


def test_linear_layers_of_frozen_heads_give_the_networks_logits(bare, inputs):
    agree(bare.linear_layers(), inputs[0].numpy(), bare(*inputs))


def test_linear_layers_give_the_networks_logits_on_poolings_of_length_one(branched, inputs):
    frozen, states, mask = inputs
    with torch.inference_mode():
        poolings = [l2_normalise(part.numpy()) for part in branched.branch(states, mask)]
        logits = branched(*inputs)
    features = np.concatenate([frozen.numpy(), *poolings], axis=1)
    assert features.shape == (3, FROZEN + SHAPE.width)
    agree(branched.linear_layers(), features, logits)


def test_layers_taken_out_hold_the_stretch(bare):
    layer = bare.linear_layers()["urgency"]
    np.testing.assert_allclose(layer.weight, STRETCH * bare.heads["urgency"].weight.detach().numpy())
    assert layer.weight.shape == (3, FROZEN)
    assert layer.weight.dtype == layer.bias.dtype == np.float32


def test_features_are_left_out_in_training_alone(bare, inputs):
    still = bare(*inputs)["topics"]
    assert torch.equal(still, bare(*inputs)["topics"])
    bare.train()
    torch.manual_seed(0)
    assert not torch.equal(still, bare(*inputs)["topics"])


def test_a_gradient_reaches_branch_and_heads_but_not_the_encoder(branched, inputs, transformer):
    sum(values.sum() for values in branched(*inputs).values()).backward()
    # A constant added to every key moves no softmax.
    silent = {name for name, value in branched.named_parameters() if not value.grad.abs().sum() > 1e-7}
    assert silent <= {"branch.key.bias", "branch.layers.0.attention.self.key.bias"}
    assert all(value.grad is None for value in transformer.parameters())


def test_first_answers_are_near_even(bare, inputs):
    assert all(values.detach().abs().max().item() < 0.5 for values in bare(*inputs).values())
