import gzip

import pytest

from training.datasets.catalogue import data_root, read_data_file
from training.errors import DataError


def test_unset_variable_is_said_by_name(monkeypatch):
    monkeypatch.delenv("CLOSELOOP_DATA", raising=False)
    with pytest.raises(DataError, match="expected CLOSELOOP_DATA to name the folder of the data sets"):
        data_root()


def test_variable_that_names_no_folder_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("CLOSELOOP_DATA", str(tmp_path / "none"))
    with pytest.raises(DataError, match="to name a folder"):
        data_root()


def test_source_without_a_licence_in_the_catalogue_is_refused(tmp_path):
    with pytest.raises(DataError, match="got the source 'elsewhere'"):
        read_data_file(tmp_path, "elsewhere", "train")


def test_missing_file_is_said_by_source_and_split(tmp_path):
    with pytest.raises(DataError, match="expected umsab/train at"):
        read_data_file(tmp_path, "umsab", "train")


@pytest.mark.parametrize("content", [b"not gzip", gzip.compress(b'{"text": '), gzip.compress(b"{}")[:-4]])
def test_damaged_file_is_refused(tmp_path, content):
    (tmp_path / "umsab").mkdir()
    (tmp_path / "umsab" / "train.jsonl.gz").write_bytes(content)
    with pytest.raises(DataError, match="umsab/train"):
        read_data_file(tmp_path, "umsab", "train")


def test_a_line_separator_within_a_text_is_not_an_end_of_line(tmp_path):
    (tmp_path / "umsab").mkdir()
    line = '{"text": "one\u2028two", "lang": "chinese"}\n'
    (tmp_path / "umsab" / "train.jsonl.gz").write_bytes(gzip.compress(line.encode()))
    rows = read_data_file(tmp_path, "umsab", "train").rows
    assert rows == [{"text": "one\u2028two", "lang": "zh"}]
