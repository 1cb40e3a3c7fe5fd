import json

import pytest
from tokenizers import Tokenizer

from models.weights.e5s import E5File
from models.weights.tokenizer_json import tokenizer_json


@pytest.fixture
def tokenizer(tmp_path, tiny_e5s):
    with E5File(tiny_e5s().write(tmp_path / "w.bin")) as file:
        return Tokenizer.from_str(json.dumps(tokenizer_json(file.vocabulary)))


def test_a_text_stands_between_the_special_tokens(tokenizer):
    assert tokenizer.encode("the app crashes").tokens == ["<s>", "▁the", "▁app", "▁crashes", "</s>"]


def test_an_empty_text_is_two_special_tokens(tokenizer):
    assert tokenizer.encode("").tokens == ["<s>", "</s>"]


@pytest.mark.parametrize("space", ["  ", "\u00a0", "\u3000", "\t\n", " \u00a0 "])
def test_any_run_of_spaces_is_one_space(tokenizer, space):
    assert tokenizer.encode(f"the{space}app").ids == tokenizer.encode("the app").ids


def test_a_zero_width_space_disappears(tokenizer):
    assert tokenizer.encode("cra\u200bshes").ids == tokenizer.encode("crashes").ids


def test_a_ligature_and_full_width_letters_are_taken_apart(tokenizer):
    assert tokenizer.encode("ﬁａ").ids == tokenizer.encode("fia").ids


def test_a_composed_and_a_decomposed_letter_are_the_same(tokenizer):
    assert tokenizer.encode("a\u0308").ids == tokenizer.encode("ä").ids


def test_what_has_no_piece_is_unknown(tokenizer):
    assert tokenizer.encode("☃").ids[-2] == 3


def test_ids_are_places_in_the_file(tokenizer, tiny_e5s):
    pieces = tiny_e5s().pieces

    assert [tokenizer.token_to_id(piece) for piece in pieces] == list(range(len(pieces)))


def test_a_pair_is_told_apart_by_two_separators(tokenizer):
    assert tokenizer.encode("the", "app").tokens == ["<s>", "▁the", "</s>", "</s>", "▁app", "</s>"]
