"""A branch beside the frozen layers: what it computes, and what it must not touch."""

import numpy as np
import pytest
import torch
from torch import nn

from models.branch import Branch, BranchShape
from models.encoder import HashingEncoder, SentenceEncoder
from models.encoder.torch_branch import TorchBranch, lower_states
from models.encoder.windows import l2_normalise
from models.errors import EncoderMismatchError

HIDDEN, DEPTH = 32, 4
SHAPE = BranchShape(from_layer=2, first_layer=3, layers=2, queries=2, hidden=HIDDEN)
TEXTS = [
    "the app crashes at checkout",
    "",
    "maksu ei onnistu",
    "支払いができない",
    "the payment " * 60,
    "a",
    "the app crashes, the payment crashes, the query crashes and nobody is answering",
]


@pytest.fixture(scope="module")
def frozen(tiny_folder):
    return SentenceEncoder(tiny_folder, threads=1)


@pytest.fixture(scope="module")
def module(frozen):
    """A branch whose layers are not those of the encoder any more."""
    torch.manual_seed(5)
    branch = TorchBranch(SHAPE, frozen.transformer)
    with torch.no_grad():
        for parameter in branch.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return branch.eval()


@pytest.fixture(scope="module")
def branch(module) -> Branch:
    return module.weights()


@pytest.fixture(scope="module")
def branched(frozen, branch):
    return frozen.with_branch(branch)


def attention_pooling(hidden, queries, weight, bias):
    """Pool the tokens of one text by learnt queries, written down as the formula stands.

    Source: Lin et al., "A Structured Self-attentive Sentence Embedding", ICLR 2017, section 2; the scores are
    those of a query and a linear key.
    """
    scores = queries @ (hidden @ weight.T + bias).T
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return (raised / raised.sum(axis=1, keepdims=True)) @ hidden


def of_branch(encoding):
    """The branch's part of the features, one row a text, its poolings apart."""
    return encoding.features[:, -SHAPE.width :].reshape(len(encoding.features), 1 + SHAPE.queries, HIDDEN)


def states(encoder, texts):
    """Every layer's hidden states of texts, and their mask, as the encoder sees them."""
    inputs = encoder._padded([_first(encoder, row)[0] for row in _ids(encoder, texts)])
    with torch.inference_mode():
        hidden = encoder.transformer(**inputs, output_hidden_states=True).hidden_states
    return hidden, inputs["attention_mask"]


def _ids(encoder, texts):
    return encoder._parts.tokenizer.token_ids(texts)


def _first(encoder, ids):
    return encoder._parts.tokenizer.windows(ids)[0]


@pytest.mark.parametrize(
    "changes", [{"hidden": 16}, {"from_layer": 5}, {"layers": 3}, {"first_layer": 4}, {"first_layer": 9}]
)
def test_a_branch_that_the_encoder_has_no_layers_for_is_refused(frozen, changes):
    shape = BranchShape.model_validate(SHAPE.model_dump() | changes)
    with pytest.raises(EncoderMismatchError, match=r"needs \d+ layers of width .* has 4 of width 32"):
        TorchBranch(shape, frozen.transformer)


def test_a_transformer_of_another_build_is_refused():
    with pytest.raises(EncoderMismatchError, match=r"layers at encoder\.layer, got Linear"):
        TorchBranch(SHAPE, nn.Linear(2, 2))


@pytest.mark.parametrize("change", ["missing", "unknown", "another shape"])
def test_layers_with_other_parameters_are_refused(frozen, branch, change):
    tensors = dict(branch.tensors)
    name = next(name for name in tensors if name.startswith("layers.1."))
    content = tensors.pop(name)
    if change == "unknown":
        tensors |= {name: content, "layers.1.surprise": content}
    if change == "another shape":
        tensors[name] = np.concatenate([content, content])
    with pytest.raises(EncoderMismatchError, match="the branch does not fit the encoder's layers"):
        frozen.with_branch(Branch(shape=SHAPE, tensors=tensors))


def test_an_encoder_without_layers_refuses_a_branch_and_takes_none(branch):
    encoder = HashingEncoder()
    with pytest.raises(EncoderMismatchError, match="the hashing encoder has none"):
        encoder.with_branch(branch)
    assert encoder.with_branch(None) is encoder


def test_weights_survive_the_way_to_float16_and_back(frozen, module, branch):
    again = TorchBranch.from_weights(branch, frozen.transformer)

    assert not again.training
    assert all(tensor.dtype == np.float16 for tensor in branch.tensors.values())
    for name, tensor in again.state_dict().items():
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor, module.state_dict()[name].half().float(), rtol=0, atol=0)
    assert set(again.weights().tensors) == set(branch.tensors)


@pytest.mark.parametrize("value", [65_536.0, -1e6])
@pytest.mark.parametrize("name", ["queries", "key.bias", "layers.1.output.dense.weight"])
def test_a_weight_beyond_float16_is_refused_by_name(frozen, name, value):
    branch = TorchBranch(SHAPE, frozen.transformer)
    branch.state_dict()[name].view(-1)[-1] = value

    with pytest.raises(
        ValueError, match=rf"^{name} of the branch must lie within float16, up to 65504, got "
    ):
        branch.weights()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_weight_that_is_no_number_is_refused_by_name(frozen, value):
    branch = TorchBranch(SHAPE, frozen.transformer)
    branch.state_dict()["key.bias"][0] = value

    with pytest.raises(ValueError, match=r"^key\.bias of the branch must be finite"):
        branch.weights()


def test_the_largest_float16_is_kept(frozen):
    branch = TorchBranch(SHAPE, frozen.transformer)
    branch.state_dict()["key.bias"][0] = 65_504.0

    assert branch.weights().tensors["key.bias"][0] == np.finfo(np.float16).max


def test_building_and_training_a_branch_leaves_the_encoders_own_layers_alone(frozen):
    before = {name: tensor.clone() for name, tensor in frozen.transformer.state_dict().items()}
    branch = TorchBranch(SHAPE, frozen.transformer)
    with torch.no_grad():
        for parameter in branch.parameters():
            parameter.zero_()

    for name, tensor in frozen.transformer.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)


@pytest.mark.parametrize("from_layer", [1, 2, 3])
def test_a_branch_of_the_encoders_own_upper_layers_has_the_last_layers_mean(frozen, from_layer):
    shape = BranchShape(
        from_layer=from_layer,
        first_layer=from_layer + 1,
        layers=DEPTH - from_layer,
        queries=1,
        hidden=HIDDEN,
    )
    hidden, mask = states(frozen, TEXTS[:4])
    with torch.inference_mode():
        mean = TorchBranch(shape, frozen.transformer).eval()(hidden[from_layer], mask)[0]

    kept = mask.unsqueeze(-1)
    expected = (hidden[DEPTH] * kept).sum(dim=1) / kept.sum(dim=1)
    torch.testing.assert_close(mean, expected, rtol=0, atol=2e-6)


def test_poolings_are_those_of_the_reference(frozen, module):
    hidden, mask = states(frozen, TEXTS[:4])
    with torch.inference_mode():
        mean, *pooled = (rows.numpy() for rows in module(hidden[SHAPE.from_layer], mask))
        # Each text by itself, without filling: what the module's last layer leaves.
        for place, row_mask in enumerate(mask):
            last = hidden[SHAPE.from_layer][place : place + 1, row_mask.bool()]
            for layer in module.layers:
                last = layer(last, None)
            tokens = last[0].numpy()
            expected = attention_pooling(
                tokens, module.queries.numpy(), module.key.weight.numpy(), module.key.bias.numpy()
            )
            np.testing.assert_allclose(mean[place], tokens.mean(axis=0), atol=1e-5)
            np.testing.assert_allclose([rows[place] for rows in pooled], expected, atol=1e-5)


def test_scores_beyond_any_exponential_leave_a_pooling_between_the_tokens(frozen):
    branch = TorchBranch(SHAPE, frozen.transformer).eval()
    hidden, mask = states(frozen, TEXTS[:4])
    with torch.no_grad():
        branch.queries.mul_(1e6)
        last = hidden[SHAPE.from_layer][:1, mask[0].bool()]
        poolings = branch(last, torch.ones(last.shape[:2]))[1:]
        for layer in branch.layers:
            last = layer(last, None)
    for pooled in poolings:
        assert (pooled <= last.amax(dim=1) + 1e-5).all()
        assert (pooled >= last.amin(dim=1) - 1e-5).all()


def test_filling_weighs_nothing(module):
    hidden = torch.randn(1, 9, HIDDEN)
    mask = torch.tensor([[1, 1, 1, 1, 0, 0, 0, 0, 0]])
    other = hidden.clone()
    other[:, 4:] = 1000 * torch.randn(1, 5, HIDDEN)
    with torch.inference_mode():
        for one, two in zip(module(hidden, mask), module(other, mask), strict=True):
            torch.testing.assert_close(one, two, rtol=0, atol=1e-6)


def test_retrieval_vectors_are_the_same_bits_with_and_without_a_branch(frozen, branched):
    np.testing.assert_array_equal(branched.encode(TEXTS).vectors, frozen.encode(TEXTS).vectors)
    assert (branched.name, branched.space) == (frozen.name, frozen.space)


def test_features_come_from_the_branch_each_pooling_at_length_one(frozen, branched):
    encoding = branched.encode(TEXTS)

    assert encoding.features.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(of_branch(encoding), axis=2), 1, rtol=1e-5)
    assert branched.encode([]).features.shape == (0, encoding.features.shape[1])
    np.testing.assert_array_equal(
        branched.with_branch(None).encode(TEXTS).features, frozen.encode(TEXTS).features
    )


def test_the_encoder_that_was_asked_stays_without_a_branch(tiny_folder, branch):
    encoder = SentenceEncoder(tiny_folder, threads=1)
    before = encoder.encode(TEXTS).features
    encoder.with_branch(branch)

    np.testing.assert_array_equal(encoder.encode(TEXTS).features, before)


def test_features_of_one_window_are_the_modules_own(frozen, branched, branch):
    hidden, mask = states(frozen, TEXTS[:4])
    module = TorchBranch.from_weights(branch, frozen.transformer)
    with torch.inference_mode():
        poolings = module(hidden[SHAPE.from_layer], mask)
    expected = np.stack([l2_normalise(rows.numpy()) for rows in poolings], axis=1)

    np.testing.assert_allclose(of_branch(branched.encode(TEXTS[:4])), expected, atol=1e-5)


def test_a_long_text_is_the_weighted_mean_of_its_windows(frozen, branched, branch):
    text = "the app crashes " * 40
    windows = frozen._parts.tokenizer.windows(_ids(frozen, [text])[0])
    module = TorchBranch.from_weights(branch, frozen.transformer)
    rows = []
    with torch.inference_mode():
        for window, _ in windows:
            inputs = frozen._padded([window])
            hidden = frozen.transformer(**inputs, output_hidden_states=True).hidden_states
            rows.append(torch.cat(module(hidden[SHAPE.from_layer], inputs["attention_mask"])).numpy())
    mean = np.average(np.stack(rows), axis=0, weights=[count for _, count in windows])

    assert len(windows) > 1
    np.testing.assert_allclose(of_branch(branched.encode([text]))[0], l2_normalise(mean), atol=1e-5)


def test_alone_batched_and_shuffled_are_the_same(branched):
    order = np.random.default_rng(3).permutation(len(TEXTS))
    batched = branched.encode(TEXTS)
    shuffled = branched.encode([TEXTS[place] for place in order])

    for place, text in enumerate(TEXTS):
        alone = of_branch(branched.encode([text]))[0]
        other = of_branch(shuffled)[int(np.flatnonzero(order == place)[0])]
        for rows in (alone, other):
            assert (np.sum(rows * of_branch(batched)[place], axis=1) >= 0.9999).all()


@pytest.mark.parametrize("layer", [-1, 0, 5])
def test_states_of_a_layer_that_is_not_there_are_refused(frozen, layer):
    with pytest.raises(EncoderMismatchError, match=f"expected a layer from 1 to 4, got {layer}"):
        lower_states(frozen.transformer, layer, torch.zeros(1, 2), torch.ones(1, 2))
    with pytest.raises(EncoderMismatchError, match=f"expected a layer from 1 to 4, got {layer}"):
        frozen.token_states(["a"], layer=layer, tokens_max=8)


@pytest.mark.parametrize("layer", [1, 2, 4])
def test_lower_states_are_those_of_the_whole_forward_pass(frozen, layer):
    texts = [TEXTS[0], TEXTS[5]]
    hidden, mask = states(frozen, texts)
    ids = frozen._padded([_first(frozen, row)[0] for row in _ids(frozen, texts)])
    found = lower_states(frozen.transformer, layer, ids["input_ids"], mask)

    torch.testing.assert_close(found[mask.bool()], hidden[layer][mask.bool()], rtol=0, atol=2e-6)


def test_token_states_are_a_layers_own_in_order_and_cut_with_their_end_kept(frozen):
    texts = [TEXTS[4], TEXTS[5], TEXTS[0]]
    found = frozen.token_states(texts, layer=2, tokens_max=24)

    assert [len(rows) for rows in found] == [24, *(frozen.count_tokens(texts)[1:])]
    assert all(rows.dtype == np.float16 and rows.shape[1] == HIDDEN for rows in found)
    hidden, mask = states(frozen, texts[1:])
    for place in (1, 2):
        own = hidden[2][place - 1][mask[place - 1].bool()].numpy()
        np.testing.assert_allclose(found[place], own, atol=5e-3)
    window = _first(frozen, _ids(frozen, texts)[0])[0]
    cut = frozen._padded([[*window[:23], window[-1]]])
    expected = lower_states(frozen.transformer, 2, cut["input_ids"], cut["attention_mask"])[0]
    np.testing.assert_allclose(found[0], expected.numpy(), atol=5e-3)
