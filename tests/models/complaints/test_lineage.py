from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from models.complaints.lineage import LineageEvent, lineage, rests

names = st.sampled_from(["a", "b", "c", "d"])
texts = st.sampled_from([f"t{number}" for number in range(12)])


def told(events):
    return [(event.event, event.sources, event.targets, event.texts) for event in events]


def test_nothing_happened_when_all_stayed():
    assert lineage({"t1": "a"}, {"t1": "a", "t2": None}) == ()


def test_a_complaint_without_ancestors_is_born():
    assert told(lineage({}, {"t2": "a", "t1": "a"})) == [("born", (), ("a",), ("t1", "t2"))]


def test_new_texts_make_it_grow():
    assert told(lineage({"t1": "a"}, {"t1": "a", "t2": "a"})) == [("grew", ("a",), ("a",), ("t2",))]


def test_an_earlier_complaint_that_nobody_is_a_member_of_grows_again_under_its_own_id():
    assert told(lineage({}, {"t1": "a"}, known=frozenset("a"))) == [("grew", ("a",), ("a",), ("t1",))]


def test_a_part_under_a_new_id_is_a_split_and_no_birth():
    events = lineage({"t1": "a", "t2": "a"}, {"t1": "a", "t2": "b", "t3": "b"})
    assert told(events) == [("split", ("a",), ("a", "b"), ("t2",)), ("grew", ("b",), ("b",), ("t3",))]


def test_all_members_in_another_earlier_one_is_a_merge():
    events = lineage({"t1": "a", "t2": "b"}, {"t1": "b", "t2": "b"})
    assert told(events) == [("merged", ("a", "b"), ("b",), ("t1",))]


def test_members_that_became_open_are_told_too():
    assert told(lineage({"t1": "a", "t2": "a"}, {"t1": None, "t2": "a"})) == [
        ("split", ("a",), ("a",), ("t1",))
    ]


def test_a_deleted_text_did_not_move():
    assert lineage({"t1": "a", "t2": "a"}, {"t1": "a"}) == ()


@given(before=st.dictionaries(texts, names), after=st.dictionaries(texts, st.none() | names))
def test_every_member_that_moved_is_in_exactly_one_event(before, after):
    events = lineage(before, after)
    moved = sorted(text for text in before if text in after and after[text] != before[text])
    assert sorted(t for event in events if event.event in {"split", "merged"} for t in event.texts) == moved
    new = {name for name in after.values() if name} - set(before.values())
    explained = {t for event in events if event.event in {"born", "split"} for t in event.targets}
    assert new <= explained
    shuffled = lineage(dict(reversed(before.items())), dict(reversed(after.items())))
    assert shuffled == events


def test_quiet_complaints_sleep_and_wake_when_a_text_comes():
    day = date(2026, 6, 1)
    last = {"quiet": date(2026, 1, 1), "awake": day, "woken": day, "asleep": date(2025, 1, 1)}
    assert rests(last, dormant=frozenset({"woken", "asleep"}), as_of=day) == (
        LineageEvent(event="returned", sources=("woken",), targets=("woken",)),
        LineageEvent(event="dormant", sources=("quiet",), targets=("quiet",)),
    )
