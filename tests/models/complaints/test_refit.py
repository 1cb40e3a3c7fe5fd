import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.complaints.decisions import Decisions
from models.complaints.refit import Earlier, refit


def fit(corpus, **given):
    return refit(corpus.texts, corpus.vectors, space="test", **given)


def after(found, known=frozenset()):
    members = {text: name for text, name in found.members.items() if name}
    return Earlier(members=members, known=known | frozenset(members.values()))


def complaint_of(found, corpus, matter):
    [name] = {found.members[text.id] for text in corpus.texts if corpus.matter[text.id] == matter}
    return name


def test_texts_of_one_matter_in_three_languages_are_one_complaint(corpus):
    found = fit(corpus)
    assert len(found.complaints) == 4
    assert {len(complaint.texts) for complaint in found.complaints} == {6}
    assert len({complaint_of(found, corpus, matter) for matter in set(corpus.matter.values())}) == 4


@given(seed=st.integers(0, 2**32 - 1), noise=st.sampled_from([0.05, 0.2, 0.4]))
@settings(max_examples=6, deadline=None)
def test_any_order_of_texts_gives_the_same_complaints_names_and_map(make_corpus, seed, noise):
    corpus = make_corpus(each=9, noise=noise)
    found = fit(corpus)
    mixed = np.random.default_rng(seed).permutation(len(corpus.texts))
    again = refit([corpus.texts[i] for i in mixed], corpus.vectors[mixed], space="test")
    assert again.members == found.members
    assert again.complaints == found.complaints
    assert again.events == found.events
    assert again.families == found.families
    assert again.map.to_bytes() == found.map.to_bytes()


@pytest.mark.slow
def test_another_process_with_another_number_of_threads_gives_the_same(corpus):
    program = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from conftest import Corpus\n"
        "from models.complaints.refit import refit\n"
        "c = Corpus()\n"
        "print(sorted(refit(c.texts, c.vectors, space='test').members.items()))\n"
    )
    here = Path(__file__)
    printed = [
        subprocess.run(  # noqa: S603
            [sys.executable, "-c", program, str(here.parents[3]), str(here.parent)],
            env=os.environ
            | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads, seed in (("1", "1"), ("2", "2"))
    ]
    assert printed == [f"{sorted(fit(corpus).members.items())}\n"] * 2


def test_three_texts_of_one_customer_are_no_complaint(make_corpus):
    corpus = make_corpus(each=6)
    one = [
        text
        if corpus.matter[text.id] != "crash"
        else type(text)(
            id=text.id, text=text.text, language=text.language, customer="same", occurred_on=text.occurred_on
        )
        for text in corpus.texts
    ]
    found = refit(one, corpus.vectors, space="test")
    assert complaint_of(found, corpus, "crash") is None
    assert len(found.complaints) == 3


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_texts_make_no_complaint_and_a_map_that_leaves_everything_open(corpus, count):
    found = refit(corpus.texts[:count], corpus.vectors[:count], space="test")
    assert found.complaints == ()
    assert list(found.members.values()) == [None] * count
    [placed] = found.map.assign(corpus.vectors[:1], ["en"])
    assert placed.complaint is None


def test_texts_without_a_word_are_grouped_all_the_same(corpus):
    texts = [
        type(text)(
            id=text.id, text="!!!", language="en", customer=text.customer, occurred_on=text.occurred_on
        )
        for text in corpus.texts
    ]
    assert refit(texts, corpus.vectors, space="test").complaints


def test_new_texts_join_and_a_new_matter_is_born_while_all_members_stay(make_corpus):
    first = make_corpus(each=9, matters=("crash", "double", "login"))
    found = fit(first)
    second = first + make_corpus(each=6, seed=1)
    again = fit(second, earlier=after(found))
    assert {text: again.members[text] for text in found.members} == found.members
    assert complaint_of(again, second, "export") not in found.members.values()
    events = {event.event for event in again.events}
    assert events == {"born", "grew"}


@given(seed=st.integers(0, 10_000), noise=st.sampled_from([0.1, 0.4, 0.6]))
@settings(max_examples=6, deadline=None)
def test_the_lineage_tells_exactly_which_members_moved(make_corpus, seed, noise):
    rng = np.random.default_rng(seed)
    corpus = make_corpus(each=12, seed=seed, noise=noise)
    names = np.array(["a", "b", "c", "d", "e"])[rng.integers(0, 5, len(corpus.texts))]
    earlier = Earlier(
        members={
            text.id: str(name) for text, name in zip(corpus.texts, names, strict=True) if rng.random() < 0.7
        }
    )
    found = fit(corpus, earlier=earlier)
    moved = {text for text, name in earlier.members.items() if found.members[text] != name}
    told = [text for event in found.events if event.event in {"split", "merged"} for text in event.texts]
    assert sorted(told) == sorted(moved)
    for event in found.events:
        for text in event.texts if event.event in {"split", "merged"} else ():
            assert earlier.members[text] in event.sources
            assert found.members[text] is None or found.members[text] in event.targets


@given(seed=st.integers(0, 10_000), share=st.sampled_from([0.05, 0.3]))
@settings(max_examples=6, deadline=None)
def test_pinned_texts_are_where_people_put_them(make_corpus, seed, share):
    rng = np.random.default_rng(seed)
    corpus = make_corpus(each=9)
    found = fit(corpus)
    names = [*sorted({name for name in found.members.values() if name}), "made-by-a-person", None]
    pinned = {text.id: names[rng.integers(len(names))] for text in corpus.texts if rng.random() < share}
    again = fit(corpus, earlier=after(found), decisions=Decisions(pinned=pinned))
    assert {text: again.members[text] for text in pinned} == pinned
    third = fit(corpus, earlier=after(again), decisions=Decisions(pinned=pinned))
    assert {text: third.members[text] for text in pinned} == pinned


def test_merged_complaints_stay_one_and_the_earlier_id_is_never_given_again(corpus):
    found = fit(corpus)
    one, other = (complaint_of(found, corpus, matter) for matter in ("crash", "login"))
    merged = Decisions(merged={one: other})
    again = fit(corpus, earlier=after(found), decisions=merged)
    assert complaint_of(again, corpus, "crash") == complaint_of(again, corpus, "login") == other
    assert [event.event for event in again.events] == ["merged"]
    third = fit(corpus, earlier=after(again, frozenset({one})), decisions=merged)
    assert third.members == again.members
    assert third.events == ()


def test_a_split_by_people_lasts_however_alike_the_two_are(make_corpus):
    corpus = make_corpus(each=12)
    found = fit(corpus)
    old = complaint_of(found, corpus, "crash")
    moved = [text.id for text in corpus.texts if corpus.matter[text.id] == "crash"][:4]
    decisions = Decisions(pinned=dict.fromkeys(moved, "new"), apart=frozenset({frozenset({old, "new"})}))
    again = fit(corpus, earlier=after(found), decisions=decisions)
    later = fit(corpus + make_corpus(each=6, seed=1), earlier=after(again), decisions=decisions)
    for result in (again, later):
        assert {result.members[text] for text in moved} == {"new"}
        assert old in result.members.values()


def test_a_dissolved_complaint_is_not_shown_and_texts_like_it_do_not_found_it_anew(make_corpus):
    corpus = make_corpus(each=9)
    found = fit(corpus)
    gone = complaint_of(found, corpus, "double")
    more = corpus + make_corpus(each=6, seed=1)
    again = fit(more, earlier=after(found), decisions=Decisions(dissolved=frozenset({gone})))
    assert gone not in {complaint.id for complaint in again.complaints}
    assert len(again.complaints) == 3
    assert complaint_of(again, more, "double") == gone
    [placed] = again.map.assign(corpus.vectors[9:10], ["en"])
    assert (placed.complaint, placed.nearest) == (None, gone)


def test_a_complaint_that_has_come_apart_is_split_and_the_larger_part_keeps_the_id(make_corpus):
    corpus = make_corpus(each=9, matters=("crash", "double")) + make_corpus(
        each=6, seed=1, matters=("login",)
    )
    earlier = Earlier(members={text.id: "old" for text in corpus.texts if corpus.matter[text.id] != "double"})
    found = fit(corpus, earlier=earlier)
    assert complaint_of(found, corpus, "crash") == "old"
    assert complaint_of(found, corpus, "login") not in {"old", None}
    assert "split" in {event.event for event in found.events}


def test_two_complaints_about_one_matter_merge_unless_people_said_otherwise(make_corpus):
    corpus = make_corpus(each=18)
    members = {
        text.id: f"{corpus.matter[text.id]}{number % 3 == 0 and corpus.matter[text.id] == 'crash'}"
        for number, text in enumerate(corpus.texts)
    }
    merged = fit(corpus, earlier=Earlier(members=members))
    assert complaint_of(merged, corpus, "crash") == "crashFalse"
    apart = Decisions(apart=frozenset({frozenset({"crashTrue", "crashFalse"})}))
    kept = fit(corpus, earlier=Earlier(members=members), decisions=apart)
    assert {"crashTrue", "crashFalse"} <= set(kept.members.values())
    owned = Earlier(members=members, kept=frozenset({"crashTrue"}))
    assert {"crashTrue", "crashFalse"} <= set(fit(corpus, earlier=owned).members.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t, v: (t, v[:-1]), "one vector a text"),
        (lambda t, v: ([*t[:-1], t[0]], v), "ids that occur once"),
        (lambda t, v: (t, np.where(v == v[0, 0], np.nan, v)), "finite"),
    ],
)
def test_wrong_input_is_refused_with_the_reason(corpus, change, message):
    with pytest.raises(ValueError, match=message):
        refit(*change(corpus.texts, corpus.vectors), space="test")
