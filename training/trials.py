"""Scores of candidates that were tried, kept so that a killed search does not try them again."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from training import candidates, fitting, folds, heldout, metrics, tuning
from training.candidates import Candidate
from training.experiment import HeadName

Scores = dict[str, float]

_CODE = (candidates, fitting, folds, heldout, metrics, tuning)
"""Modules that a score depends on."""


class TrialLog:
    """Scores by source of candidates, on disk after each trial.

    Args:
        path: JSON Lines; created with the first trial. A line cut off by a kill is passed over.
        depends_on: What else a score depends on, such as a checksum of the examples.
    """

    def __init__(self, path: Path, *, depends_on: str) -> None:
        self._path = path
        code = [Path(str(module.__file__)).read_bytes() for module in _CODE]
        self._salt = hashlib.sha256(b"\0".join([depends_on.encode(), *code])).hexdigest()
        self._scores: dict[str, Scores] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").split("\n"):
                self._remember(line)

    def scores(self, head: HeadName, candidate: Candidate, compute: Callable[[], Scores]) -> Scores:
        """Return the scores of a candidate, computed only when they are not known."""
        described = json.dumps([self._salt, head, candidate.described()], sort_keys=True)
        key = hashlib.sha256(described.encode()).hexdigest()
        if key not in self._scores:
            line = json.dumps({"key": key, "scores": compute()})
            with self._path.open("a", encoding="utf-8") as file:
                # A line cut off earlier must not swallow this one.
                file.write(f"\n{line}\n")
            self._remember(line)
        return self._scores[key]

    def _remember(self, line: str) -> None:
        try:
            trial = json.loads(line)
        except ValueError:
            return
        self._scores[trial["key"]] = trial["scores"]
