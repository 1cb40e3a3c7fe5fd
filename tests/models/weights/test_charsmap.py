import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers.normalizers import Precompiled

from models.weights.charsmap import compile_charsmap, composed_pairs

characters = st.characters(min_codepoint=0x20, max_codepoint=0x2FFFF, exclude_categories=["Cs", "M", "Cf"])
targets = st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs"]), max_size=4)


@given(st.dictionaries(characters, targets, max_size=60), st.text(characters, max_size=20))
def test_the_library_replaces_each_character_as_the_map_says(replacements, text):
    normalise = Precompiled(compile_charsmap(replacements)).normalize_str

    for word in (*replacements, *text):
        assert normalise(word) == replacements.get(word, word)


def test_an_empty_map_changes_nothing():
    assert Precompiled(compile_charsmap({})).normalize_str("Grüße 支払い 🎉") == "Grüße 支払い 🎉"


def test_a_character_can_become_nothing():
    assert Precompiled(compile_charsmap({"\u200b": ""})).normalize_str("a\u200bb") == "ab"


def test_a_map_of_thousands_is_held_without_a_collision():
    replacements = {chr(point): f"{point:x}" for point in range(0x100, 0x2000, 2)}
    normalise = Precompiled(compile_charsmap(replacements)).normalize_str

    # Characters that are in the map only: the neighbours may form graphemes with them.
    assert all(normalise(source) == target for source, target in replacements.items())


@pytest.mark.parametrize("character", ["é", "ä", "ñ", "ç", "й", "ё", "ά", "ї"])
def test_a_base_and_its_mark_compose(character):
    assert composed_pairs({})[unicodedata.normalize("NFD", character)] == character


def test_characters_of_three_parts_are_left_alone_as_the_reference_leaves_them():
    assert "â\u0301" not in composed_pairs({})


def test_a_mark_that_the_map_replaces_composes_like_what_it_becomes():
    assert composed_pairs({"\u0341": "\u0301"})["e\u0341"] == "é"


def test_a_pair_whose_base_the_map_replaces_is_left_out():
    pairs = composed_pairs({"e": "x"})

    assert "e\u0301" not in pairs
    assert "a\u0301" in pairs


def test_every_pair_is_short_enough_to_be_looked_up():
    assert all(len(pair.encode()) < 6 for pair in composed_pairs({}))
