import pytest

from training.candidates import first_candidate
from training.experiment import Search
from training.trials import TrialLog


@pytest.fixture
def candidate():
    return first_candidate(Search(kinds=("softmax",)))


class Computing:
    """Counts how often it is asked."""

    def __init__(self):
        self.times = 0

    def __call__(self):
        self.times += 1
        return {"gold": 0.5}


@pytest.fixture
def compute():
    return Computing()


def test_a_trial_is_computed_once_also_by_another_process(tmp_path, candidate, compute):
    for _ in range(2):
        log = TrialLog(tmp_path / "trials.jsonl", depends_on="data")
        for _ in range(2):
            assert log.scores("urgency", candidate, compute) == {"gold": 0.5}
    assert compute.times == 1


def test_a_trial_cut_off_by_a_kill_is_computed_again_and_then_kept(tmp_path, candidate, compute):
    path = tmp_path / "trials.jsonl"
    TrialLog(path, depends_on="data").scores("urgency", candidate, compute)
    path.write_text(path.read_text().rstrip()[:-5])
    for _ in range(2):
        TrialLog(path, depends_on="data").scores("urgency", candidate, compute)
    assert compute.times == 2


def test_other_data_another_head_and_another_candidate_are_other_trials(tmp_path, candidate, compute):
    path = tmp_path / "trials.jsonl"
    other = first_candidate(Search(kinds=("sequential",)))
    TrialLog(path, depends_on="data").scores("urgency", candidate, compute)
    TrialLog(path, depends_on="other data").scores("urgency", candidate, compute)
    TrialLog(path, depends_on="data").scores("sentiment", candidate, compute)
    TrialLog(path, depends_on="data").scores("urgency", other, compute)
    assert compute.times == 4
