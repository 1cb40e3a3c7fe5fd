"""What the service says about itself."""

import time
from collections.abc import Iterator
from typing import Any, Final

from service.cli.client import Client, document_of
from service.cli.diagnosis.finding import Finding
from service.cli.errors import CliError, NoServiceError, ProblemError

API_VERSION: Final = "1"
UNAVAILABLE: Final = 503

FIXES: Final = {
    "database": "start the database, or check CLOSELOOP_DATABASE_URL of the service",
    "index": "start Qdrant or check CLOSELOOP_QDRANT_URL; in process: see the service's log",
    "heads": "train heads for this encoder with the command above, or set CLOSELOOP_ENCODER back",
    "vectors": "closeloop reindex",
}


def check_service(client: Client) -> Iterator[Finding]:
    """Ask the service: does it answer, which version is it, what of its dependencies, does the key work."""
    started = time.perf_counter()
    try:
        client.get("/livez")
    except NoServiceError as error:
        yield Finding(check="service", level="failure", detail=str(error), fix="closeloop serve")
        return
    except CliError as error:
        yield Finding(check="service", level="failure", detail=str(error), fix="check CLOSELOOP_URL")
        return
    milliseconds = (time.perf_counter() - started) * 1e3
    yield Finding(check="service", level="ok", detail=f"answers at {client.url} in {milliseconds:.0f} ms")
    yield from _guarded("version", _version, client)
    yield from _guarded("readiness", _dependencies, client)
    yield _key(client)


def _guarded(check: str, ask: Any, client: Client) -> Iterator[Finding]:
    try:
        yield from ask(client)
    except CliError as error:
        yield Finding(check=check, level="failure", detail=str(error), fix="see the service's log")


def _version(client: Client) -> Iterator[Finding]:
    found = client.get("/openapi.json").get("info", {}).get("version")
    fits = found == API_VERSION
    yield Finding(
        check="API version",
        level="ok" if fits else "failure",
        detail=f"{found}" if fits else f"expected {API_VERSION}, got {found}",
        fix="" if fits else "install the same release here and where the service runs",
    )


def _dependencies(client: Client) -> Iterator[Finding]:
    ready = document_of(client.send("GET", "/readyz", accept=(UNAVAILABLE,)))
    if "checks" not in ready:
        raise CliError("expected /readyz to name its dependencies, got something else")
    for name, check in ready["checks"].items():
        yield Finding(
            check=f"service: {name}",
            level="ok" if check["ok"] else "failure",
            detail=check["detail"],
            fix="" if check["ok"] else FIXES.get(name, "see the service's log"),
        )


def _key(client: Client) -> Finding:
    try:
        client.get("/v1/feedback", {"limit": 1})
    except ProblemError as error:
        fix = "make one with `closeloop keys create --name NAME --scope read` and set CLOSELOOP_KEY"
        return Finding(check="key", level="failure", detail=str(error), fix=fix)
    except CliError as error:
        return Finding(check="key", level="failure", detail=str(error), fix="see the service's log")
    return Finding(check="key", level="ok", detail="may read")
