import hashlib
import time

import numpy as np
import pytest

from models.errors import WeightsError
from models.weights.conversion import Conversion, convert_once
from models.weights.manifest import MANIFEST, damage, read_manifest

CONVERT = """
import sys
from pathlib import Path
from models.weights.conversion import Conversion, convert_once
weights, sha256, parent = sys.argv[1:]
conversion = Conversion(
    name="tiny", weights_sha256=sha256, parent=Path(parent), fetch=lambda work: Path(weights)
)
print("started", flush=True)
convert_once(conversion, report=lambda words: print(words, flush=True))
print("done", flush=True)
"""


@pytest.fixture
def weights(tmp_path, tiny_e5s):
    """Large enough that a conversion takes a moment in which it can be killed."""
    return tiny_e5s(vocabulary=100_000).write(tmp_path / "w.bin")


@pytest.fixture
def conversion(tmp_path, weights):
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    return Conversion(name="tiny", weights_sha256=sha256, parent=tmp_path / "cache", fetch=lambda _: weights)


def is_whole(target):
    manifest = read_manifest(target)
    return manifest is not None and damage(target, manifest) is None


def folders(conversion):
    return sorted(path.name for path in conversion.parent.iterdir() if path.is_dir())


def test_a_fetch_that_fails_leaves_nothing(tmp_path):
    def fails(_work):
        raise WeightsError("no registry")

    conversion = Conversion(name="tiny", weights_sha256="ab" * 32, parent=tmp_path, fetch=fails)

    with pytest.raises(WeightsError, match="no registry"):
        convert_once(conversion, report=print)
    assert folders(conversion) == []


def test_weights_of_a_wrong_form_leave_nothing(tmp_path, tiny_e5s):
    path = tiny_e5s(without=("l0.q.w",)).write(tmp_path / "w.bin")
    conversion = Conversion(
        name="tiny", weights_sha256="ab" * 32, parent=tmp_path / "cache", fetch=lambda _: path
    )

    with pytest.raises(WeightsError, match=r"l0\.q\.w"):
        convert_once(conversion, report=print)
    assert folders(conversion) == []


def flip_a_byte(target):
    path = target / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_short(target):
    path = target / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])


DAMAGES = {
    "a flipped byte": flip_a_byte,
    "a file cut short": cut_short,
    "a file lost": lambda target: (target / "tokenizer.json").unlink(),
    "the manifest lost": lambda target: (target / MANIFEST).unlink(),
    "the manifest damaged": lambda target: (target / MANIFEST).write_text("{", encoding="utf-8"),
}


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_conversion_is_reported_and_made_again(conversion, how):
    target = convert_once(conversion, report=print)
    DAMAGES[how](target)
    said = []

    assert convert_once(conversion, report=said.append) == target

    assert is_whole(target)
    assert "onverting" in said[0]
    assert folders(conversion) == [target.name]


# Spread over a conversion: its reading, writing, syncing and the moment after.
@pytest.mark.parametrize("share", np.linspace(0, 1.1, 8).round(2))
def test_a_conversion_killed_at_any_moment_leaves_nothing_that_counts(
    conversion, weights, start_python, share
):
    began = time.monotonic()
    convert_once(conversion, report=print)
    duration = time.monotonic() - began
    again = Conversion(
        name="killed",
        weights_sha256=conversion.weights_sha256,
        parent=conversion.parent,
        fetch=conversion.fetch,
    )
    process = start_python(
        CONVERT.replace('name="tiny"', 'name="killed"'), weights, again.weights_sha256, again.parent
    )
    assert process.stdout.readline() == "started\n"
    time.sleep(share * duration)
    process.kill()
    process.wait()

    assert not again.target.exists() or is_whole(again.target)
    assert is_whole(convert_once(again, report=print))
    assert folders(again) == [again.target.name, conversion.target.name]


def test_of_two_processes_one_converts_and_the_other_waits(conversion, weights, start_python):
    processes = [
        start_python(CONVERT, weights, conversion.weights_sha256, conversion.parent) for _ in range(3)
    ]
    said = [process.communicate() for process in processes]

    assert [complaints for _, complaints in said] == ["", "", ""]
    assert all(words.endswith("done\n") for words, _ in said)
    assert sum("Converting the encoder" in words for words, _ in said) == 1
    assert is_whole(conversion.target)
    assert folders(conversion) == [conversion.target.name]


def test_a_second_call_uses_what_is_there_and_fetches_nothing(conversion):
    def forbidden(_work):
        raise AssertionError

    target = convert_once(conversion, report=print)
    again = Conversion(
        name="tiny", weights_sha256=conversion.weights_sha256, parent=conversion.parent, fetch=forbidden
    )
    said = []

    assert convert_once(again, report=said.append) == target
    assert not said


def test_the_weights_of_another_hash_stand_beside(conversion, tmp_path):
    other = Conversion(
        name="tiny", weights_sha256="cd" * 32, parent=conversion.parent, fetch=conversion.fetch
    )

    first, second = convert_once(conversion, report=print), convert_once(other, report=print)

    assert first != second
    assert is_whole(first)
    assert is_whole(second)
