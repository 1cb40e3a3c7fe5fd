import pytest

from models.errors import WeightsError
from models.weights.hub import fetch_snapshot

OFFLINE = """
import sys
from pathlib import Path
from models.errors import WeightsError
from models.weights import prepare_encoder
try:
    prepare_encoder("somebody/some-model", Path(sys.argv[1]), report=print)
except WeightsError as error:
    print("WeightsError:", error)
"""


def test_what_cannot_be_a_model_id_is_refused_with_the_alternatives(tmp_path):
    with pytest.raises(WeightsError, match=r"Expected 'no/such/thing' to be `bundled`, a folder, a copy"):
        fetch_snapshot("no/such/thing", tmp_path, print)


def test_without_a_hub_the_error_says_what_to_do(tmp_path, start_python):
    # In a process of its own: the hub's client reads this variable once, when it is imported.
    said, complaints = start_python(OFFLINE, tmp_path, HF_HUB_OFFLINE="1").communicate()

    assert not complaints
    assert "Fetching somebody/some-model from the model hub" in said
    assert "WeightsError: Expected 'somebody/some-model' to be `bundled`" in said
    assert "Download the model on a machine that reaches the hub and name its folder" in said
