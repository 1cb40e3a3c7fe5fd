import hashlib

import numpy as np
import pytest

from training.token_cache import TokenCache

HIDDEN = 4
TEXTS = [f"text number {number}" for number in range(600)]


class Lengths:
    """Stands in for an encoder: a text has as many tokens as its name asks for, all of its own."""

    space = "words-f32-r1"

    def __init__(self):
        self.read = []
        self.stop_after = None

    def token_states(self, texts, *, layer, tokens_max):
        if self.stop_after is not None and len(self.read) >= self.stop_after:
            raise KeyboardInterrupt
        self.read += texts
        return [self.states(text, layer, tokens_max) for text in texts]

    def states(self, text, layer=2, tokens_max=9):
        digest = hashlib.sha256(f"{layer}:{text}".encode("utf-8", "surrogatepass")).digest()
        rng = np.random.default_rng(list(digest))
        return rng.normal(size=(1 + digest[0] % tokens_max, HIDDEN)).astype(np.float16)


@pytest.fixture
def reader():
    return Lengths()


def cache(folder, encoder, **changes):
    return TokenCache(folder, encoder, **{"layer": 2, "tokens_max": 9} | changes)


def test_no_texts_give_no_tokens(tmp_path, reader):
    found = cache(tmp_path, reader).load([])
    assert (found.lengths, found.states.size, reader.read) == ([], 0, [])


def test_a_killed_run_reads_only_what_is_missing(tmp_path, reader):
    reader.stop_after = 256
    with pytest.raises(KeyboardInterrupt):
        cache(tmp_path, reader).ensure(TEXTS)
    reader.stop_after = None
    cache(tmp_path, reader).ensure(TEXTS)
    assert reader.read == TEXTS


@pytest.mark.parametrize("left", ["states and lengths", "a list half written"])
def test_a_chunk_without_its_list_of_keys_does_not_count(tmp_path, reader, left):
    cache(tmp_path, reader).ensure(TEXTS[:10])
    keys = next(tmp_path.rglob("*.keys"))
    if left == "a list half written":
        keys.with_suffix(".part").write_bytes(keys.read_bytes()[:20])
    keys.unlink()
    again = cache(tmp_path, reader)
    assert again.missing(TEXTS[:10]) == TEXTS[:10]
    np.testing.assert_array_equal(again.load(TEXTS[:1]).states, reader.states(TEXTS[0]))


def test_states_come_in_the_order_asked_for_duplicates_included(tmp_path, reader):
    asked = [TEXTS[5], TEXTS[500], TEXTS[5], TEXTS[0], TEXTS[300]]
    tokens = cache(tmp_path, reader)
    tokens.ensure(TEXTS)
    found = tokens.load(asked)
    expected = [reader.states(text) for text in asked]
    assert found.lengths == [len(rows) for rows in expected]
    np.testing.assert_array_equal(found.states, np.concatenate(expected))


def test_a_later_process_finds_what_an_earlier_one_read(tmp_path, reader):
    first = cache(tmp_path, reader).load(TEXTS[:3])
    second = cache(tmp_path, reader).load(TEXTS[:3])
    np.testing.assert_array_equal(first.states, second.states)
    assert reader.read == TEXTS[:3]


def test_a_text_is_read_once(tmp_path, reader):
    tokens = cache(tmp_path, reader)
    tokens.load(["a", "a", "b"])
    tokens.load(["b", "a"])
    assert reader.read == ["a", "b"]


@pytest.mark.parametrize("changes", [{"layer": 3}, {"tokens_max": 5}])
def test_another_layer_or_length_does_not_find_the_states_of_the_first(tmp_path, reader, changes):
    cache(tmp_path, reader).ensure(["a"])
    assert cache(tmp_path, reader, **changes).missing(["a"]) == ["a"]


def test_another_encoder_does_not_find_the_states_of_the_first(tmp_path, reader):
    cache(tmp_path, reader).ensure(["a"])
    other = Lengths()
    other.space = "others-f32-r1"
    assert cache(tmp_path, other).missing(["a"]) == ["a"]


def test_progress_is_told_chunk_by_chunk(tmp_path, reader):
    told = []
    cache(tmp_path, reader).ensure(TEXTS, advance=told.append)
    assert told == [256, 256, 88]


def test_half_a_character_is_no_obstacle(tmp_path, reader):
    assert cache(tmp_path, reader).load(["\ud83d alone"]).states.shape[1] == HIDDEN


def test_rows_are_filled_up_to_the_longest_with_nothing(tmp_path, reader):
    table = cache(tmp_path, reader).load(TEXTS[:20])
    places = [int(np.argmin(table.lengths)), int(np.argmax(table.lengths)), 7]
    states, mask = table.padded(places)
    longest = max(table.lengths)
    assert (states.shape, states.dtype) == ((3, longest, HIDDEN), np.float16)
    assert (mask.shape, mask.dtype) == ((3, longest), np.float32)
    for row, place in enumerate(places):
        length = table.lengths[place]
        np.testing.assert_array_equal(states[row, :length], reader.states(TEXTS[place]))
        assert mask[row].tolist() == [1.0] * length + [0.0] * (longest - length)
        assert not states[row, length:].any()
