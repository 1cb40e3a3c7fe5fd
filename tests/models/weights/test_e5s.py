import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.errors import WeightsError
from models.weights.e5s import E5File

in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"Cannot read .*absent\.bin"):
        E5File(tmp_path / "absent.bin")


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "empty.bin").touch()
    with pytest.raises(WeightsError, match=r"Cannot read .*empty\.bin"):
        E5File(tmp_path / "empty.bin")


def test_another_magic_is_refused(tmp_path, tiny_e5s):
    with pytest.raises(WeightsError, match=r"begin with b'E5S1', found b'GGUF'"):
        E5File(tiny_e5s(magic=b"GGUF").write(tmp_path / "w.bin"))


def test_another_version_is_refused(tmp_path, tiny_e5s):
    with pytest.raises(WeightsError, match=r"version 1 .* found 2"):
        E5File(tiny_e5s(version=2).write(tmp_path / "w.bin"))


def test_another_block_size_is_refused(tmp_path, tiny_e5s):
    with pytest.raises(WeightsError, match=r"blocks of 32 weights .* found 64"):
        E5File(tiny_e5s(block=64).write(tmp_path / "w.bin"))


def test_an_unknown_tensor_is_refused(tmp_path, tiny_e5s):
    with (
        E5File(tiny_e5s().write(tmp_path / "w.bin")) as file,
        pytest.raises(WeightsError, match=r"tensor 'pooler' .* found 69 others"),
    ):
        file.tensor("pooler")


@in_one_folder
@given(data=st.data())
def test_a_file_cut_anywhere_is_refused(tmp_path, tiny_e5s, data):
    path = tiny_e5s().write(tmp_path / "w.bin")
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(1, len(whole) - 1))])

    with pytest.raises(WeightsError, match=r"cut short|damaged|begin with"):
        E5File(path)


@in_one_folder
@given(data=st.data())
def test_damaged_bytes_in_the_tables_raise_nothing_else(tmp_path, tiny_e5s, data):
    path = tiny_e5s(layers=1).write(tmp_path / "w.bin")
    damaged = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, 1800), min_size=1, max_size=4)):
        damaged[place] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged)

    try:
        with E5File(path) as file:
            for name in file.tensor_names:
                file.tensor(name)
    except WeightsError:
        pass


def test_the_header_gives_the_sizes_of_the_network(tmp_path, tiny_e5s):
    with E5File(tiny_e5s().write(tmp_path / "w.bin")) as file:
        sizes = file.architecture

    assert (sizes.hidden_size, sizes.layers, sizes.heads, sizes.intermediate_size) == (32, 4, 4, 64)
    assert (sizes.max_positions, sizes.type_vocabulary_size) == (64, 2)
    assert sizes.layer_norm_epsilon == pytest.approx(1e-12)


def test_the_vocabulary_comes_back_as_it_was_written(tmp_path, tiny_e5s):
    made = tiny_e5s()
    with E5File(made.write(tmp_path / "w.bin")) as file:
        vocabulary = file.vocabulary

    assert list(vocabulary.pieces) == made.pieces
    assert vocabulary.character_map == made.character_map
    assert vocabulary.scores[:2] == pytest.approx((-2, -2.1))
    assert (vocabulary.bos_id, vocabulary.pad_id, vocabulary.eos_id, vocabulary.unk_id) == (0, 1, 2, 3)


def test_full_and_four_bit_tensors_are_both_read_as_float32(tmp_path, tiny_e5s):
    with E5File(tiny_e5s().write(tmp_path / "w.bin")) as file:
        norm, matrix = file.tensor("emb.ln.w"), file.tensor("l0.fi.w")

    assert (norm.dtype, norm.shape) == (np.float32, (32,))
    assert (matrix.dtype, matrix.shape) == (np.float32, (64 * 32,))
    assert norm.mean() == pytest.approx(1, abs=0.1)
    assert 0 < np.abs(matrix).max() <= 8 * 0.05
