import json

import numpy as np
import pytest
from safetensors.numpy import load_file
from sentence_transformers import SentenceTransformer
from transformers import AutoModel

from models.errors import WeightsError
from models.weights.e5s import E5File
from models.weights.folder import write_sentence_transformers_folder


def converted(made, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with E5File(made.write(tmp_path / "w.bin")) as file:
        write_sentence_transformers_folder(file, folder)
    return folder


def test_a_missing_tensor_is_named(tmp_path, tiny_e5s):
    with pytest.raises(WeightsError, match=r"tensor 'l2\.v\.w'"):
        converted(tiny_e5s(without=("l2.v.w",)), tmp_path)


def test_a_tensor_of_the_wrong_size_is_named(tmp_path, tiny_e5s):
    class Wrong(tiny_e5s):
        def _tensors(self):
            found = super()._tensors()
            return {**found, "emb.pos": found["emb.ln.w"]}

    with pytest.raises(WeightsError, match=r"2048 values of shape \(64, 32\) in tensor 'emb\.pos', found 32"):
        converted(Wrong(), tmp_path)


def test_every_parameter_is_loaded_and_none_is_left_over(tiny_folder):
    _, info = AutoModel.from_pretrained(tiny_folder, output_loading_info=True)

    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert not info["mismatched_keys"]


def test_parameters_are_the_dequantised_tensors(tmp_path, tiny_e5s):
    folder = converted(tiny_e5s(), tmp_path)
    parameters = load_file(folder / "model.safetensors")

    with E5File(tmp_path / "w.bin") as file:
        for name, source in (
            ("encoder.layer.3.intermediate.dense.weight", "l3.fi.w"),
            ("encoder.layer.0.attention.output.LayerNorm.bias", "l0.aln.b"),
            ("embeddings.word_embeddings.weight", "emb.word"),
        ):
            np.testing.assert_array_equal(parameters[name].reshape(-1), file.tensor(source))


def test_the_first_token_takes_the_first_row_of_a_matrix(tmp_path, tiny_e5s):
    folder = converted(tiny_e5s(), tmp_path)
    matrix = load_file(folder / "model.safetensors")["embeddings.word_embeddings.weight"]

    with E5File(tmp_path / "w.bin") as file:
        np.testing.assert_array_equal(matrix[0], file.tensor("emb.word")[:32])


def test_sentence_transformers_finds_pooling_normalisation_and_prompts(tiny_folder):
    model = SentenceTransformer(str(tiny_folder), device="cpu")

    assert [type(module).__name__ for module in model] == ["Transformer", "Pooling", "Normalize"]
    assert model[1].pooling_mode == "mean"
    assert model.prompts["query"] == "query: "
    assert model.default_prompt_name == "query"
    assert model.get_max_seq_length() == 64
    assert np.linalg.norm(model.encode("the app crashes")) == pytest.approx(1, abs=1e-5)


def test_two_conversions_of_one_file_are_the_same_bytes(tmp_path, tiny_e5s):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = converted(tiny_e5s(), tmp_path / "a"), converted(tiny_e5s(), tmp_path / "b")

    for path in first.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (second / path.relative_to(first)).read_bytes()


def test_the_layout_is_the_one_other_servers_read(tiny_folder):
    modules = json.loads((tiny_folder / "modules.json").read_text(encoding="utf-8"))
    tokenizer = json.loads((tiny_folder / "tokenizer_config.json").read_text(encoding="utf-8"))

    assert modules[0]["type"] == "sentence_transformers.models.Transformer"
    assert tokenizer["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert (tiny_folder / "sentence_bert_config.json").is_file()
