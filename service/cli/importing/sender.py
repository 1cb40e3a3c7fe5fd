"""Sends batches and does not give up at the first refusal."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import httpx

from service.cli.client import Client, document_of, explain_problem
from service.cli.errors import CliError, NoAnswerError, NoServiceError, ProblemError
from service.cli.importing.items import Item, Rejection

NOTHING_ACCEPTED: Final = 422
"""Of a request that was understood, item by item."""

COME_BACK: Final = frozenset({408, 429, 502, 503, 504})
"""The same request may succeed later."""

TAKE_APART: Final = frozenset({400, 413, 422, 500})
"""One of the items may be why: the others are sent without it."""

DEADLINE_SECONDS: Final = 60.0
PATIENCE_SECONDS: Final = 600.0
PAUSE_SECONDS_MAX: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A text that the service has.

    Attributes:
        item: What was sent.
        created: Whether it is new there.
        answer: What the service says about it.
    """

    item: Item
    created: bool
    answer: dict[str, Any]


class Sender:
    """Posts batches of one file, in order.

    429 and 503 are waited out as `Retry-After` says, a service that goes away as if it had said so; a
    batch that is refused again and again is halved, for it may be more than the tenant's rate allows.
    Every item has an external id, so sending it again never stores it twice.

    Args:
        client: Speaks to the service.
        patience_seconds: How long to wait altogether between two batches that got through.
        wait: `indexed` returns when the texts are searchable.
        sleep: Waits; another one in tests.
        tell: Is told why nothing moves.
    """

    def __init__(
        self,
        client: Client,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        wait: Literal["indexed"] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        tell: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._client = client
        self._patience_seconds = patience_seconds
        self._wait = wait
        self._sleep = sleep
        self._tell = tell
        self._reached = False
        self._waited_seconds = 0.0
        self.all_indexed = True
        """Whether the service had indexed each batch when it answered; means something with `wait`."""

    def send(self, batch: Sequence[Item]) -> list[Stored | Rejection]:
        """Store a batch; return what became of each item, in order.

        Raises:
            CliError: The service refuses all of it, or does not come back in time.
        """
        refusals = 0
        while True:
            try:
                answer = self._post(batch)
            except ProblemError as error:
                refusals += 1
                done = self._refused(batch, error, refusals)
                if done is not None:
                    return done
            except (NoServiceError, NoAnswerError) as error:
                if not self._reached:
                    raise
                self._pause(error, None)
            else:
                self._reached, self._waited_seconds = True, 0.0
                self.all_indexed &= answer.headers.get("x-indexed", "true") == "true"
                return self._outcomes(batch, document_of(answer))

    def _post(self, batch: Sequence[Item]) -> httpx.Response:
        return self._client.send(
            "POST",
            "/v1/feedback",
            query={"wait": self._wait},
            body={"items": [item.content for item in batch]},
            deadline_seconds=DEADLINE_SECONDS,
            accept=(NOTHING_ACCEPTED,),
        )

    def _refused(
        self, batch: Sequence[Item], error: ProblemError, refusals: int
    ) -> list[Stored | Rejection] | None:
        """Deal with a refusal; `None` when the same batch should be sent again.

        Raises:
            CliError: It would be refused for ever, or for too long.
        """
        may_pass = error.status in COME_BACK
        if len(batch) > 1 and (error.status in TAKE_APART or (may_pass and refusals > 1)):
            return self._halves(batch)
        if error.status in TAKE_APART:
            return [_rejection(batch[0], str(error))]
        if not may_pass:
            raise error
        self._pause(error, error.retry_after_seconds)
        return None

    def _outcomes(self, batch: Sequence[Item], document: dict[str, Any]) -> list[Stored | Rejection]:
        rows = document.get("items")
        if rows is None:  # 422 about the request as a whole
            if len(batch) > 1:
                return self._halves(batch)
            return [_rejection(batch[0], explain_problem(document))]
        if not isinstance(rows, list) or len(rows) != len(batch):
            raise CliError(f"expected {len(batch)} answers from the service, got something else")
        return [
            _rejection(item, explain_problem(row["error"]))
            if "error" in row
            else Stored(item=item, created=row["created"], answer=row)
            for item, row in zip(batch, rows, strict=True)
        ]

    def _halves(self, batch: Sequence[Item]) -> list[Stored | Rejection]:
        middle = len(batch) // 2
        return self.send(batch[:middle]) + self.send(batch[middle:])

    def _pause(self, error: CliError, asked_seconds: float | None) -> None:
        """Wait before trying again.

        Raises:
            CliError: It would take longer than anybody has patience for.
        """
        grown = min(PAUSE_SECONDS_MAX, max(1.0, self._waited_seconds))
        seconds = grown if asked_seconds is None else max(asked_seconds, 0.1)
        if self._waited_seconds + seconds > self._patience_seconds:
            raise CliError(f"{error}; gave up after waiting {self._waited_seconds:.0f} s") from error
        self._tell(f"waiting {seconds:.0f} s: {error}")
        self._sleep(seconds)
        self._waited_seconds += seconds


def _rejection(item: Item, reason: str) -> Rejection:
    return Rejection(line=item.line, reason=reason, content=item.content)
