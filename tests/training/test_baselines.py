import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from models.labels import SENTIMENTS, URGENCIES
from training.baselines import LEXICON_LANGUAGES, FrozenLinear, Lexicon, commonest
from training.datasets.example import Example
from training.logistic import fit_basis

COUNT, WIDTH = 200, 10


def example(text="a", lang="en", weight=1.0, **labels):
    return Example(id="1", text=text, lang=lang, source="s", group="1", role="train", weight=weight, **labels)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(COUNT, WIDTH)).astype(np.float32)
    truth = (features[:, :3] + rng.normal(size=(COUNT, 3))).argmax(axis=1)
    weights = rng.uniform(0.3, 2, COUNT)
    rows = [
        example(weight=float(weight), sentiment=SENTIMENTS[label])
        for label, weight in zip(truth, weights, strict=True)
    ]
    return rows, features, truth, weights


@pytest.mark.parametrize("lang", ["fi", "und"])
def test_a_language_without_a_word_list_cannot_be_asked_for(lang):
    with pytest.raises(KeyError, match=lang):
        Lexicon().choose([example(lang=lang)])


def test_a_head_that_no_row_could_train_chooses_nothing(data):
    rows, features, *_ = data
    frozen = FrozenLinear(rows, features)
    assert frozen.choose("urgency", features) is None
    assert frozen.choose("topics", features) is None


def test_a_frozen_head_chooses_what_scikit_learn_chooses(data):
    rows, features, truth, weights = data
    projected = fit_basis(features).project(features)
    oracle = LogisticRegression(C=0.01, max_iter=5000, tol=1e-9)
    oracle.fit(projected, truth, sample_weight=weights / weights.mean())
    chosen = FrozenLinear(rows, features).choose("sentiment", features)
    assert (chosen == oracle.predict(projected)).mean() > 0.98
    assert (chosen == truth).mean() > 0.6


def test_only_the_rows_of_a_head_train_it(data):
    rows, features, *_ = data
    silent = [example(urgency="low") if number % 2 else row for number, row in enumerate(rows)]
    mixed = FrozenLinear(silent, features).choose("sentiment", features)
    alone = FrozenLinear(rows[::2], features[::2]).choose("sentiment", features)
    assert mixed.tolist() == alone.tolist()


def test_a_label_that_never_trains_is_never_chosen(data):
    _, features, truth, _ = data
    rows = [example(urgency=URGENCIES[label]) for label in truth]
    assert set(FrozenLinear(rows, features).choose("urgency", features).tolist()) <= {0, 1, 2}


@pytest.mark.parametrize(
    ("lang", "text", "sentiment"),
    [
        ("en", "I hate this terrible app, it is awful", "negative"),
        ("en", "wonderful, I love it", "positive"),
        ("en", "the train leaves at nine", "neutral"),
        ("en", "", "neutral"),
        ("da", "forfærdelig og elendig service", "negative"),
        ("da", "fantastisk, jeg elsker det", "positive"),
        ("da", "toget kører klokken ni", "neutral"),
    ],
)
def test_the_word_list_sums_up_what_words_feel(lang, text, sentiment):
    assert [SENTIMENTS[place] for place in Lexicon().choose([example(text, lang)])] == [sentiment]


def test_texts_of_both_languages_are_chosen_in_their_order():
    rows = [example("elendig", "da"), example("love", "en"), example("awful", "en")]
    assert Lexicon().choose(rows).tolist() == [0, 2, 0]
    assert {row.lang for row in rows} == set(LEXICON_LANGUAGES)


def test_an_emoticon_counts_as_a_word():
    assert Lexicon().choose([example(":)"), example(":(")]).tolist() == [2, 0]


def test_the_commonest_label_stands_in_every_row():
    assert commonest(np.array([2, 0, 2, 1])).tolist() == [2, 2, 2, 2]
