import numpy as np
import pytest
from sklearn.metrics import f1_score

from training.errors import DataError
from training.similarity import Pairs, learn_relevance, learn_similar

PAIRS = Pairs(
    related=np.array([0.9, 0.8, 0.4], dtype=np.float32),
    unrelated={
        "near": np.array([0.7, 0.3], dtype=np.float32),
        "far": np.array([0.1, 0.0, 0.2, 0.6], dtype=np.float32),
    },
)


def test_missing_data_are_said_by_name(context, data_root):
    (data_root / "tatoeba" / "test.jsonl.gz").unlink()
    with pytest.raises(DataError, match="expected tatoeba/test at"):
        learn_relevance(data_root, context.features)


def test_balanced_accuracy_weighs_found_against_left_out_kind_by_kind():
    # Found 2/3; left out 1/2 of the near ones and 3/4 of the far ones.
    assert PAIRS.balanced_accuracy(0.5) == pytest.approx((2 / 3 + (1 / 2 + 3 / 4) / 2) / 2)


@pytest.mark.parametrize("value", [0.05, 0.5, 0.75])
def test_f1_of_pairs_equals_scikit_learn(value):
    cosines = np.concatenate([PAIRS.related, *PAIRS.unrelated.values()])
    truth = np.arange(len(cosines)) < 3
    assert PAIRS.f1(value) == pytest.approx(f1_score(truth, cosines >= value))


def test_learnt_thresholds_separate_what_is_alike_from_what_is_not(context, data_root):
    relevance = learn_relevance(data_root, context.features)
    similar = learn_similar(data_root, context.features)
    assert relevance.figures["judged relevant reviews: pairs"] == 3
    for threshold in (relevance, similar):
        assert 0 < threshold.value < 1
        found = threshold.figures
        assert found["questions of one intent: share found"] > found["questions of two intents: share found"]


def test_learning_again_gives_the_same(context, data_root):
    assert learn_relevance(data_root, context.features) == learn_relevance(data_root, context.features)
