import pytest

from training.datasets.near_copies import find_near_copies, plain_characters

LONG = "the parcel has been lying in the depot for nine days and nobody answers"


def found(texts, others, least_overlap=0.5):
    return [(copy.place, copy.other) for copy in find_near_copies(texts, others, least_overlap=least_overlap)]


@pytest.mark.parametrize(
    "other",
    [
        LONG,
        LONG.upper() + "!!!",
        LONG.replace(" ", "  "),
        LONG.replace("nine", "ten"),
        f"Hello. {LONG}. Regards",
    ],
)
def test_copies_with_small_changes_are_found(other):
    assert found([LONG], [other]) == [(0, 0)]


def test_texts_about_the_same_in_other_words_are_not_copies():
    assert found([LONG], ["my package is stuck at the depot, nine days now, no answer"]) == []


def test_overlap_is_a_share_of_the_text_asked_about():
    assert found([LONG], [LONG[: len(LONG) // 3]]) == []
    assert found([LONG[: len(LONG) // 3]], [LONG]) == [(0, 0)]


def test_short_texts_are_compared_as_a_whole():
    assert found(["Paráda!", "ok"], ["paráda", "okay"]) == [(0, 0)]


def test_scripts_without_spaces_are_compared_too():
    assert found(
        ["配送がまだ届きません、至急確認してください"], ["配送がまだ届きません至急確認してください。"]
    ) == [(0, 0)]


def test_texts_without_letters_are_no_copies_of_each_other():
    assert plain_characters("👍👍 ...") == ""
    assert found(["👍"], ["!!!"]) == []
