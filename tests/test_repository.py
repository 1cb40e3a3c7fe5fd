"""What holds of the files around the code: pins, targets, the container, the workflow."""

# ruff: noqa: S603  (make and bash, as everybody types them)

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
ROOMS = ("service", "models", "training")
PIN = re.compile(r"(?P<name>[a-z0-9]+(-[a-z0-9]+)*)==(?P<version>[0-9][0-9a-z.]*)")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(file: str) -> dict[str, str]:
    lines = [line for line in (ROOT / file).read_text().splitlines() if line and not line.startswith("#")]
    found = [PIN.fullmatch(line) for line in lines]
    assert all(found), f"{file}: {[line for line, pin in zip(lines, found, strict=True) if pin is None]}"
    return {pin["name"]: pin["version"] for pin in found if pin}


def requirements(section: dict[str, list[str]], *names: str) -> list[str]:
    return [requirement for name in names for requirement in section[name]]


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def name_of(requirement: str) -> str:
    return canonical(re.match(r"[A-Za-z0-9._-]+", requirement)[0])


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_requirement_lines_are_sorted_exact_pins_without_addresses_or_local_versions(file):
    names = list(pins(file))
    assert names == sorted(names)
    text = (ROOT / file).read_text()
    assert "://" not in text
    assert " @ " not in text


def test_no_package_is_pinned_twice():
    assert not pins("requirements.txt").keys() & pins("requirements-dev.txt").keys()


def test_every_direct_dependency_of_serving_and_training_is_pinned_within_its_bound(project):
    direct = project["dependencies"] + project["optional-dependencies"]["training"]
    pinned = pins("requirements.txt")
    for requirement in direct:
        assert name_of(requirement) in pinned, requirement
        least = re.search(r">=([0-9.]+)", requirement)
        if least:
            version = numbers(pinned[name_of(requirement)])
            assert version >= numbers(least[1]), f"{requirement}, pinned {version}"


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def test_every_dependency_of_tests_and_checks_is_pinned(project):
    pinned = pins("requirements-dev.txt") | pins("requirements.txt")
    assert {name_of(row) for row in project["optional-dependencies"]["dev"]} <= pinned.keys()


@pytest.mark.parametrize("room", ROOMS)
def test_every_package_that_a_room_imports_is_pinned(room):
    imported = {
        name.partition(".")[0]
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in names_imported(node)
    }
    foreign = imported - set(sys.stdlib_module_names) - set(ROOMS)
    distributions = packages_distributions()
    pinned = pins("requirements.txt")
    missing = {name for name in foreign if not {canonical(d) for d in distributions[name]} & pinned.keys()}
    assert not missing


def names_imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(command, cwd=cwd, env=outside, capture_output=True, text=True, check=False)


def test_make_without_a_target_lists_every_target_with_what_it_does():
    printed = run("make", cwd=ROOT).stdout
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)", makefile, re.MULTILINE)[1].split()
    listed = dict(re.findall(r"^  make (\S+)\s+(.+)", printed, re.MULTILINE))
    assert set(phony) - listed.keys() == {"encoder"}  # a step of others, nothing to type


def test_make_with_a_python_that_is_too_old_says_so_and_makes_nothing(tmp_path):
    old = tmp_path / "python"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.1\nexit 1\n')
    old.chmod(0o755)
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    done = run("make", ".venv/.made", f"PYTHON={old}", cwd=tmp_path)
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stderr
    assert "Python 3.9.1" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_ci_script_is_executable_bash_that_stops_at_the_first_failure():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text()
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in text
    assert text.index("make check") < text.index("make test")
    assert run("bash", "-n", str(script), cwd=ROOT).returncode == 0


def load(path: str) -> dict:
    return yaml.safe_load((ROOT / path).read_text())


def test_compose_pins_images_checks_health_and_commits_no_secret():
    compose = load("compose.yaml")
    services = compose["services"]
    assert set(services) == {"closeloop", "postgres", "qdrant"}
    for name in ("postgres", "qdrant"):
        assert re.search(r":v?\d+\.\d+", services[name]["image"]), name
        assert services[name]["healthcheck"]["test"]
        assert services["closeloop"]["depends_on"][name] == {"condition": "service_healthy"}
        assert services[name]["volumes"]
        assert "ports" not in services[name], "only the service is reached from outside"
    assert services["closeloop"]["environment"]["CLOSELOOP_AUTH"] == "on"
    for service in services.values():
        for setting, value in service["environment"].items():
            if re.search(r"PASSWORD|KEY", setting):
                assert re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", value), f"{setting} must come from outside"
    used = {volume.partition(":")[0] for service in services.values() for volume in service["volumes"]}
    assert used == set(compose["volumes"])


def test_workflow_pins_actions_and_grants_next_to_nothing():
    workflow = load(".github/workflows/ci.yml")
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job["permissions"] == {"contents": "read"}
        for step in job["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"[\w/-]+@([0-9a-f]{40}|v\d+\.\d+\.\d+)", step["uses"])


def test_workflow_runs_the_two_targets_on_every_supported_python(project):
    checks = load(".github/workflows/ci.yml")["jobs"]["checks"]
    oldest = project["requires-python"].removeprefix(">=")
    assert checks["strategy"]["matrix"]["python"][0] == oldest
    commands = [step["run"].split()[:2] for step in checks["steps"] if "run" in step]
    assert commands == [["make", "check"], ["make", "test"]]


def test_workflow_and_compose_use_the_same_servers():
    contracts = load(".github/workflows/ci.yml")["jobs"]["contracts"]["services"]
    services = load("compose.yaml")["services"]
    for name, service in contracts.items():
        assert service["image"] == services[name]["image"]


def test_container_runs_without_root_with_keys_and_asks_for_readiness():
    final = (ROOT / "Dockerfile").read_text().rpartition("FROM ")[2]
    assert re.search(r"^USER (?!0|root)", final, re.MULTILINE)
    assert "CLOSELOOP_AUTH=on" in final
    assert "CLOSELOOP_DATA_DIR=/data" in final
    assert re.search(r"^VOLUME /data$", final, re.MULTILINE)
    assert re.search(r"HEALTHCHECK .*(\n.*)?/readyz", final)
    assert not re.search(r"apt-get|pip install|gcc|build-essential", final)


def test_container_copies_only_what_its_build_context_holds():
    allowed = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    assert sources == allowed
    assert all((ROOT / source).exists() for source in sources)
