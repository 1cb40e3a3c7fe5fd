from hypothesis import given
from hypothesis import strategies as st

from models.complaints import needs_fixing, severity
from models.labels import KINDS, SENTIMENTS, URGENCIES

counts = st.dictionaries(st.sampled_from(URGENCIES), st.integers(0, 50))


@given(urgencies=counts, customers=st.integers(0, 10_000), revenue=st.floats(0, 1e9))
def test_it_is_the_sum_of_its_terms_and_never_falls_with_more_customers_or_revenue(
    urgencies, customers, revenue
):
    found = severity(urgencies, customers=customers, revenue=revenue)
    assert found.value == round(sum(found.terms.values()), 4)
    assert 0 <= found.value <= 1
    assert severity(urgencies, customers=customers + 1, revenue=2 * revenue).value >= found.value


def test_many_mild_texts_do_not_hush_up_a_few_critical_ones():
    few = severity({"critical": 3}, customers=10, revenue=0)
    drowned = severity({"critical": 3, "low": 9}, customers=10, revenue=0)
    assert drowned.terms["urgency"] == few.terms["urgency"]


def test_of_nothing_it_is_low():
    assert severity({}, customers=0, revenue=0).level == "low"


def test_praise_and_comments_stay_out_and_what_is_negative_or_asked_for_comes_in():
    taken = {(kind, mood) for kind in KINDS for mood in SENTIMENTS if needs_fixing(kind, mood)}
    assert {kind for kind, _ in taken} == {"complaint", "request", "question", "comment"}
    assert {mood for kind, mood in taken if kind in {"question", "comment"}} == {"negative"}
    assert not needs_fixing(None, None)
