import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.complaints import ComplaintMap, Decisions
from models.complaints.refit import refit

ROOT = Path(__file__).parents[3]
LIGHT = "import sys; sys.path.insert(0, sys.argv[1]); import models.complaints; print(' '.join(sys.modules))"


@pytest.fixture
def found(make_corpus):
    corpus = make_corpus(each=9, matters=("crash", "double", "login"))
    return refit(corpus.texts, corpus.vectors, space="test")


def test_a_new_text_joins_its_complaint_and_another_matter_stays_open(found, corpus, make_corpus):
    new = make_corpus(each=3, seed=5)
    placed = found.map.assign(new.vectors, [text.language for text in new.texts])
    by_matter: dict[str, set] = {}
    for text, place in zip(new.texts, placed, strict=True):
        by_matter.setdefault(new.matter[text.id], set()).add(place.complaint)
    assert by_matter["export"] == {None}
    joined = [by_matter[matter] for matter in ("crash", "double", "login")]
    assert all(len(names) == 1 and None not in names for names in joined)
    assert len(set.union(*joined)) == 3


def test_a_text_is_placed_the_same_alone_and_among_others(found, corpus):
    languages = [text.language for text in corpus.texts]
    together = found.map.assign(corpus.vectors, languages)
    alone = [
        found.map.assign(corpus.vectors[i : i + 1], languages[i : i + 1])[0] for i in range(len(languages))
    ]
    assert together == alone


def test_a_language_never_seen_is_centred_by_the_mean_of_all(found, corpus):
    assert found.map.assign(corpus.vectors[:1], ["xx"])[0].nearest is not None


def test_it_comes_back_from_bytes_the_same(found, corpus):
    again = ComplaintMap.from_bytes(found.map.to_bytes())
    assert again.to_bytes() == found.map.to_bytes()
    assert again.assign(corpus.vectors, ["en"] * 24) == found.map.assign(corpus.vectors, ["en"] * 24)


@pytest.mark.parametrize("stored", [b"", b"PK", b"no map at all"])
def test_other_bytes_are_refused(stored):
    with pytest.raises(ValueError, match="expected a stored map"):
        ComplaintMap.from_bytes(stored)


def test_numbers_that_differ_are_refused(found, corpus):
    with pytest.raises(ValueError, match="a language a vector"):
        found.map.assign(corpus.vectors, ["en"])


def test_thresholds_are_learnt_between_members_and_strangers(found):
    assert np.all((found.map.thresholds > 0.2) & (found.map.thresholds < 0.96))


def test_what_serving_imports_brings_no_heavy_library():
    printed = subprocess.run(  # noqa: S603
        [sys.executable, "-c", LIGHT, str(ROOT)], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {
        "bertopic",
        "sklearn",
        "scipy",
        "torch",
        "transformers",
        "sentence_transformers",
        "pandas",
        "numba",
    }
    assert not heavy & set(printed)


def test_every_exported_name_exists_in_order():
    import models.complaints  # noqa: PLC0415

    names = models.complaints.__all__
    assert sorted(names) == names
    assert all(hasattr(models.complaints, name) for name in names)


def test_an_erased_text_leaves_no_mean_behind_that_it_was_in(found, corpus):
    gone = found.map.texts[0]
    left = found.map.without([gone])
    assert gone not in left.texts
    assert len(left.prototypes) == len(found.map.prototypes) - 1
    again = ComplaintMap.from_bytes(left.to_bytes())
    assert again.assign(corpus.vectors, ["en"] * 24) == left.assign(corpus.vectors, ["en"] * 24)
    assert found.map.without([]).to_bytes() == found.map.to_bytes()


def test_decisions_hold_on_the_map_at_once(found):
    one, other, third = found.map.complaints
    decided = found.map.decided(Decisions(merged={one: other}, dissolved=frozenset({third})))
    assert set(decided.owners.tolist()) == {1, 2}
    assert decided.hidden == {third}
    assert found.map.decided(Decisions()).to_bytes() == found.map.to_bytes()


def test_a_map_without_any_prototype_leaves_texts_open(found, corpus):
    assert found.map.without(found.map.texts).assign(corpus.vectors[:1], ["en"])[0].complaint is None


def test_arrays_that_do_not_fit_are_refused(found):
    with pytest.raises(ValueError, match="an owner a prototype"):
        replace(found.map, owners=found.map.owners[:-1])
