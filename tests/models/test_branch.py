import numpy as np
import pytest
from pydantic import ValidationError

from models.branch import Branch, BranchShape

SHAPE = BranchShape(from_layer=2, first_layer=3, layers=2, queries=3, hidden=4)


def tensors(**changes):
    """Weights that fit; `None` leaves one out."""
    good = {
        "queries": np.ones((3, 4)),
        "key.weight": np.ones((4, 4)),
        "key.bias": np.ones(4),
        "layers.0.output.weight": np.ones((2, 4)),
        "layers.1.output.weight": np.ones((2, 4)),
    }
    made = {name: tensor.astype(np.float16) for name, tensor in good.items()} | changes
    return {name: tensor for name, tensor in made.items() if tensor is not None}


@pytest.mark.parametrize("name", ["from_layer", "first_layer", "layers", "queries", "hidden"])
def test_a_shape_of_nothing_is_refused(name):
    with pytest.raises(ValidationError, match=name):
        BranchShape.model_validate(SHAPE.model_dump() | {name: 0})


def test_a_shape_with_an_unknown_field_is_refused():
    with pytest.raises(ValidationError, match="surprise"):
        BranchShape.model_validate(SHAPE.model_dump() | {"surprise": 1})


@pytest.mark.parametrize("name", ["queries", "key.weight", "key.bias"])
def test_a_missing_tensor_is_named(name):
    with pytest.raises(ValueError, match=f"the branch lacks the tensor {name}"):
        Branch(shape=SHAPE, tensors=tensors(**{name: None}))


@pytest.mark.parametrize(
    ("name", "shape"), [("queries", (2, 4)), ("key.weight", (4, 3)), ("key.bias", (1, 4)), ("queries", (12,))]
)
def test_a_tensor_of_another_shape_is_refused(name, shape):
    with pytest.raises(ValueError, match=f"{name} of the branch must have the shape"):
        Branch(shape=SHAPE, tensors=tensors(**{name: np.ones(shape, dtype=np.float16)}))


@pytest.mark.parametrize("name", ["queries", "layers.1.output.weight"])
def test_weights_of_another_precision_are_refused(name):
    wide = tensors()[name].astype(np.float32)
    with pytest.raises(ValueError, match=f"{name} of the branch must be float16, got float32"):
        Branch(shape=SHAPE, tensors=tensors(**{name: wide}))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["key.bias", "layers.0.output.weight"])
def test_weights_that_are_not_finite_are_refused(name, value):
    broken = tensors()[name].copy()
    broken.flat[-1] = value
    with pytest.raises(ValueError, match=f"{name} of the branch must be finite"):
        Branch(shape=SHAPE, tensors=tensors(**{name: broken}))


@pytest.mark.parametrize(
    "changes",
    [
        {"layers.1.output.weight": None},
        {"layers.0.output.weight": None, "layers.1.output.weight": None},
        {"layers.2.output.weight": np.ones(1, dtype=np.float16)},
    ],
)
def test_another_number_of_layers_is_refused(changes):
    with pytest.raises(ValueError, match="expected weights of 2 layers, got those of"):
        Branch(shape=SHAPE, tensors=tensors(**changes))


def test_its_width_is_that_of_the_mean_and_of_each_query():
    assert SHAPE.width == 16
    assert Branch(shape=SHAPE, tensors=tensors()).shape.width == 16


def test_a_digest_names_shape_and_weights_whatever_their_order():
    one = Branch(shape=SHAPE, tensors=tensors()).digest()
    turned = Branch(shape=SHAPE, tensors=dict(reversed(tensors().items()))).digest()
    deeper = SHAPE.model_copy(update={"from_layer": 1})
    nudged = tensors()["key.bias"].copy()
    nudged[3] = np.nextafter(nudged[3], np.float16(2))

    assert turned == one
    assert len(one) == 16
    assert Branch(shape=deeper, tensors=tensors()).digest() != one
    assert Branch(shape=SHAPE, tensors=tensors(**{"key.bias": nudged})).digest() != one
