"""What the tests of all routes need: one stored text, and a key with all scopes."""

from dataclasses import dataclass
from typing import Any

import pytest

SCOPES = ("score", "read", "write", "train", "admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A tenant with one text."""

    caller: Any
    feedback_id: str
    case_id: str

    def path(self, template: str) -> str:
        """Fill the ids into a route's path."""
        return template.format(feedback_id=self.feedback_id, case_id=self.case_id, external_id="acme")


@pytest.fixture(scope="module")
def story(new_caller) -> Story:
    caller = new_caller(*SCOPES)
    stored = caller.store({"text": "the app crashes at checkout", "external_id": "1"})[0]
    return Story(caller=caller, feedback_id=stored["id"], case_id=stored["case_id"])
