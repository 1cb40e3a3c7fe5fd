import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer

from models.encoder import SentenceEncoder
from models.encoder.windows import l2_normalise
from models.errors import WeightsError

REFERENCES = Path(__file__).with_name("reference_vectors.json")
TEXTS = [
    "the app crashes",
    "",
    "maksu ei onnistu!",
    "支払いが 日本",
    "payment " * 20,
    "\u0301mark first",
    "a  b\u00a0c",
]

IMPORTS = """
import sys
import models.encoder
print([name for name in ("torch", "transformers", "sentence_transformers") if name in sys.modules])
"""


def changed(folder, tmp_path, name, **changes):
    """A copy of a folder with fields of one JSON file set, or removed where `None`."""
    copy = tmp_path / "changed"
    if not copy.exists():
        shutil.copytree(folder, copy)
    content = json.loads((copy / name).read_text(encoding="utf-8"))
    content = {key: value for key, value in (content | changes).items() if value is not None}
    (copy / name).write_text(json.dumps(content), encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def encoder(tiny_folder):
    return SentenceEncoder(tiny_folder, threads=1)


@pytest.fixture(scope="module")
def real_encoder(real_folder):
    return SentenceEncoder(real_folder)


def test_a_folder_without_weights_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(WeightsError, match=r"Expected weights .* found none"):
        SentenceEncoder(tmp_path)


def test_weights_that_are_no_safetensors_are_refused(tiny_folder, tmp_path):
    copy = shutil.copytree(tiny_folder, tmp_path / "copy")
    (copy / "model.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(WeightsError, match="Expected a sentence-transformers folder at"):
        SentenceEncoder(copy)


def test_a_folder_whose_first_module_is_no_transformer_is_refused(tiny_folder, tmp_path):
    copy = shutil.copytree(tiny_folder, tmp_path / "copy")
    modules = json.loads((copy / "modules.json").read_text(encoding="utf-8"))
    (copy / "modules.json").write_text(json.dumps(modules[1:]), encoding="utf-8")
    with pytest.raises(WeightsError, match=r"a transformer as the first module .* found Pooling"):
        SentenceEncoder(copy)


def test_importing_the_room_loads_no_framework(start_python):
    said, complaints = start_python(IMPORTS).communicate()

    assert (said, complaints) == ("[]\n", "")


def test_threads_are_set_for_the_process(tiny_folder):
    before = torch.get_num_threads()
    try:
        SentenceEncoder(tiny_folder, threads=before + 1)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


def test_loading_says_nothing_on_the_terminal(tiny_folder, capfd):
    SentenceEncoder(tiny_folder)

    assert capfd.readouterr() == ("", "")


def test_vectors_are_those_of_sentence_transformers(encoder, tiny_folder):
    expected = SentenceTransformer(str(tiny_folder), device="cpu").encode(TEXTS)

    np.testing.assert_allclose(encoder.encode(TEXTS).vectors, expected, atol=1e-5)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=50), min_size=1, max_size=4))
def test_vectors_of_any_texts_are_those_of_sentence_transformers(texts):
    ours, theirs = _pair()

    np.testing.assert_allclose(ours.encode(texts).vectors, theirs.encode(texts), atol=1e-5)


_loaded = []


@pytest.fixture(autouse=True)
def _keep_a_pair_for_hypothesis(encoder, tiny_folder):
    if not _loaded:
        _loaded.append((encoder, SentenceTransformer(str(tiny_folder), device="cpu")))


def _pair():
    return _loaded[0]


def test_features_are_mean_pooled_layers_side_by_side(encoder, tiny_folder):
    model, tokenizer = AutoModel.from_pretrained(tiny_folder), AutoTokenizer.from_pretrained(tiny_folder)
    inputs = tokenizer("query: the app crashes", return_tensors="pt")
    with torch.inference_mode():
        hidden = model(**inputs, output_hidden_states=True).hidden_states

    expected = [l2_normalise(hidden[layer].mean(dim=1).numpy())[0] for layer in (2, 3, 4)]

    assert encoder.feature_layers == (2, 3, 4)
    np.testing.assert_allclose(
        encoder.encode(["the app crashes"]).features[0], np.concatenate(expected), atol=1e-5
    )


def test_a_long_text_is_the_weighted_mean_of_its_windows(encoder, tiny_folder):
    model = SentenceTransformer(str(tiny_folder), device="cpu")
    room = 64 - encoder.count_tokens([""])[0] + 1  # the last space of the prefix joins the first word
    text = ("the app crashes " * 40).strip()

    words = text.split()
    parts = [" ".join(words[start : start + room]) for start in range(0, len(words), room)]
    model.pop(2)  # the mean is taken before normalisation
    rows = model.encode(parts)
    expected = np.average(rows, axis=0, weights=[len(part.split()) for part in parts])

    np.testing.assert_allclose(
        encoder.encode([text]).vectors[0], expected / np.linalg.norm(expected), atol=1e-5
    )


def test_what_stands_after_the_first_window_changes_the_vector(encoder):
    start = "the app crashes " * 40
    vectors = encoder.encode([start + "payment " * 40, start + "maksu " * 40]).vectors

    assert vectors[0] @ vectors[1] < 0.9999


def test_texts_come_back_in_order_whatever_their_length(encoder):
    texts = [f"{'the ' * (37 * place % 90)}payment {place}" for place in range(50)]
    together = encoder.encode(texts).vectors

    for place in range(0, 50, 7):
        np.testing.assert_allclose(together[place], encoder.encode([texts[place]]).vectors[0], atol=1e-5)


@pytest.mark.parametrize("mode", ["cls", "max", "lasttoken", "mean_sqrt_len_tokens"])
def test_another_pooling_is_respected(tiny_folder, tmp_path, mode):
    name = {"cls": "cls_token", "max": "max_tokens", "lasttoken": "lasttoken"}.get(mode, mode)
    copy = changed(
        tiny_folder, tmp_path, "1_Pooling/config.json",
        pooling_mode_mean_tokens=False, **{f"pooling_mode_{name}": True},
    )  # fmt: skip

    expected = SentenceTransformer(str(copy), device="cpu").encode(TEXTS)

    np.testing.assert_allclose(SentenceEncoder(copy).encode(TEXTS).vectors, expected, atol=1e-5)


def test_a_prompt_left_out_of_the_pooling_is_left_out(tiny_folder, tmp_path):
    copy = changed(tiny_folder, tmp_path, "1_Pooling/config.json", include_prompt=False)

    expected = SentenceTransformer(str(copy), device="cpu").encode(TEXTS)

    np.testing.assert_allclose(SentenceEncoder(copy).encode(TEXTS).vectors, expected, atol=1e-5)


def test_a_folder_without_prompts_gets_no_prefix(tiny_folder, tmp_path):
    copy = changed(
        tiny_folder, tmp_path, "config_sentence_transformers.json", prompts=None, default_prompt_name=None
    )
    encoder = SentenceEncoder(copy)

    assert encoder.prefix == ""
    np.testing.assert_allclose(
        encoder.encode(TEXTS).vectors, SentenceTransformer(str(copy), device="cpu").encode(TEXTS), atol=1e-5
    )


def test_without_a_default_the_prompt_for_queries_is_taken(tiny_folder, tmp_path):
    copy = changed(tiny_folder, tmp_path, "config_sentence_transformers.json", default_prompt_name=None)

    assert SentenceEncoder(copy).prefix == "query: "


@pytest.mark.weights
def test_real_vectors_are_the_stored_ones(real_encoder):
    stored = json.loads(REFERENCES.read_text(encoding="utf-8"))
    rows = stored["texts"]
    encoding = real_encoder.encode([row["text"] for row in rows])

    assert real_encoder.name == stored["encoder"]
    assert real_encoder.space == stored["space"]
    assert real_encoder.count_tokens([row["text"] for row in rows]) == [row["tokens"] for row in rows]
    np.testing.assert_allclose(encoding.vectors[:, :8], [row["vector"] for row in rows], atol=2e-4)
    layers = encoding.features.reshape(len(rows), 3, 384)[:, :, :4]
    np.testing.assert_allclose(layers, [row["features"] for row in rows], atol=2e-4)


@pytest.mark.weights
def test_real_vectors_are_those_of_sentence_transformers(real_encoder, real_folder):
    rows = json.loads(REFERENCES.read_text(encoding="utf-8"))["texts"]
    texts = [row["text"] for row in rows] + TEXTS
    expected = SentenceTransformer(str(real_folder), device="cpu").encode(texts)

    np.testing.assert_allclose(real_encoder.encode(texts).vectors, expected, atol=1e-5)


@pytest.mark.weights
def test_meaning_crosses_languages(real_encoder):
    german, english, other = real_encoder.encode(
        ["Die App stürzt beim Bezahlen ab", "the app crashes at checkout", "I love the new dashboard"]
    ).vectors

    assert german @ english == pytest.approx(0.893, abs=0.005)
    assert german @ other == pytest.approx(0.773, abs=0.005)
