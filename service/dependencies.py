"""What a request asks for by type.

Only what waits for the database is a plain function, which FastAPI runs in a worker thread: when all of
those wait, whatever is `async` here still answers.
"""

import re
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from service.auth import SCOPES, Principal, authenticate
from service.errors import ForbiddenError, RateLimitedError, TooLargeError, UnauthenticatedError
from service.state import State

bearer = HTTPBearer(auto_error=False, description="`Bearer <key>`, made by `closeloop keys create`.")


async def get_state(request: Request) -> State:
    """Return what lives as long as the application."""
    state: State = request.app.state.closeloop
    return state


CurrentState = Annotated[State, Depends(get_state)]


def get_principal(
    state: CurrentState,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
    request: Request,
) -> Principal:
    """Return who asks.

    A key is honoured with `CLOSELOOP_AUTH=off` too, so that one installation without keys can still
    serve a tenant of its own, as the demo does.

    Raises:
        UnauthenticatedError: No valid key.
    """
    if credentials is None:
        if state.settings.auth == "off" and "authorization" not in request.headers:
            return Principal(tenant=state.default_tenant, name="anonymous", scopes=frozenset(SCOPES))
        raise UnauthenticatedError("expected `Authorization: Bearer <key>`, got no key")
    with state.database.read() as session:
        return authenticate(session, credentials.credentials)


CurrentPrincipal = Annotated[Principal, Depends(get_principal)]


def requires(scope: str) -> Callable[[Principal], Awaitable[Principal]]:
    """Return a dependency that lets only keys with this scope through."""

    async def check(principal: CurrentPrincipal) -> Principal:
        if scope not in principal.scopes:
            raise ForbiddenError(
                f"expected a key with scope {scope}, got one with {', '.join(sorted(principal.scopes))}"
            )
        return principal

    return check


MayScore = Annotated[Principal, Depends(requires("score"))]
MayRead = Annotated[Principal, Depends(requires("read"))]
MayWrite = Annotated[Principal, Depends(requires("write"))]
MayTrain = Annotated[Principal, Depends(requires("train"))]
MayAdmin = Annotated[Principal, Depends(requires("admin"))]


async def get_deadline(
    state: CurrentState,
    x_deadline_ms: Annotated[
        int | None, Header(ge=1, le=600_000, description="How long the caller waits, in milliseconds.")
    ] = None,
) -> float:
    """Return the `time.monotonic()` after which nobody waits for the answer."""
    return time.monotonic() + (x_deadline_ms or state.settings.deadline_ms) / 1e3


Deadline = Annotated[float, Depends(get_deadline)]


def spend(state: State, principal: Principal, texts: int) -> None:
    """Take texts off a tenant's rate.

    Raises:
        TooLargeError: There are more than the whole rate: they would be refused at any time.
        RateLimitedError: There is not that much left of it.
    """
    if state.rate is None or not texts:
        return
    if texts > state.rate.amount:
        raise TooLargeError(
            f"expected at most {state.rate.amount} texts, this tenant's rate for a minute, got {texts}"
        )
    key = str(principal.tenant)
    if not state.limiter.hit(state.rate, key, cost=texts):
        reset = state.limiter.get_window_stats(state.rate, key).reset_time
        raise RateLimitedError(
            f"expected at most {state.rate.amount} texts a minute of this tenant, got {texts} more",
            retry_after_seconds=reset - time.time(),
        )


LANGUAGES_MAX: Final = 8
"""Languages of one reader that are looked at."""


async def get_languages(
    accept_language: Annotated[
        str | None, Header(description="Languages that titles of complaints are wanted in.")
    ] = None,
) -> tuple[str, ...]:
    """Return the reader's languages, the one wanted most first; a malformed header says nothing."""
    return tuple(accepted(accept_language or ""))


def accepted(header: str) -> list[str]:
    """Read an Accept-Language header (RFC 9110, 12.5.4) as languages, best first.

    >>> accepted("de-AT, fi;q=0.5, en;q=0.8, *;q=0.1")
    ['de', 'en', 'fi']
    """
    weighed = []
    for part in header[:500].split(",")[: 2 * LANGUAGES_MAX]:
        tag, _, weight = part.partition(";q=")
        if re.fullmatch(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*", tag.strip()):
            known = re.fullmatch(r"(0(\.\d{0,3})?|1(\.0{0,3})?)", weight.strip())
            weighed.append(
                (-float(known[0]) if known else (-1.0 if not weight else 0.0), primary(tag.strip()))
            )
    ordered = sorted(weighed, key=lambda row: row[0])
    return list(dict.fromkeys(code for weight, code in ordered if weight < 0))[:LANGUAGES_MAX]


def primary(tag: str) -> str:
    """Reduce a language tag to its language.

    >>> primary("de-AT")
    'de'
    """
    return re.split("[-_]", tag, maxsplit=1)[0].lower()


ReaderLanguages = Annotated[tuple[str, ...], Depends(get_languages)]
