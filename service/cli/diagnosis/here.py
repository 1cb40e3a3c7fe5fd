"""What this machine has for the service: database, model folders, room on the disk."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from models.artefact import load_artefact, read_manifest
from models.encoder.identity import encoder_identity
from models.errors import ModelError
from models.weights import BUNDLED
from models.weights.conversion import CONVERSION_REVISION
from models.weights.manifest import damage
from models.weights.manifest import read_manifest as read_encoder_manifest
from models.weights.wheel import SHA256
from service.cli.diagnosis.finding import Finding
from service.settings import Settings
from service.store import database as store
from service.store.database import Database
from service.store.errors import StoreError

ROOM_BYTES_MIN: Final = 200 * 1024**2
"""Below this a day's log and writes may fill the disk."""

ROOM_BYTES_GOOD: Final = 2 * 1024**3
"""The encoder takes 1 GB while it is converted."""


def check_here(settings: Settings) -> Iterator[Finding]:
    """Look at what the settings name on this machine; nothing is created or changed."""
    yield _database(settings)
    encoder, name = _encoder(settings)
    yield encoder
    yield _heads(settings, name)
    for what, folder in (("data", settings.data_dir), ("model cache", settings.model_cache)):
        yield _room(what, folder)


def _database(settings: Settings) -> Finding:
    try:
        database = Database(settings.sqlalchemy_url())
    except (SQLAlchemyError, ImportError) as error:
        fix = "expected a postgresql:// or sqlite:// URL in CLOSELOOP_DATABASE_URL"
        return Finding(check="database", level="failure", detail=str(error), fix=fix)
    shown = database.url.render_as_string(hide_password=True)
    try:
        # SQLite makes a file by being asked for it.
        if database.is_sqlite and database.url.database and not Path(database.url.database).exists():
            return Finding(
                check="database",
                level="note",
                detail=f"none yet at {shown}",
                fix="`closeloop serve` makes it",
            )
        database.ping()
        stored, ours = _revisions(settings)
    except (StoreError, SQLAlchemyError) as error:
        return Finding(
            check="database",
            level="failure",
            detail=f"{shown}: {' '.join(str(error).split())}",
            fix="start the database, or check CLOSELOOP_DATABASE_URL",
        )
    finally:
        database.close()
    if stored != ours:
        return Finding(
            check="database",
            level="note",
            detail=f"{shown} has schema {stored}, this version's is {ours}",
            fix="`closeloop serve` of this version migrates it",
        )
    return Finding(check="database", level="ok", detail=f"{shown}, schema {stored}")


def _revisions(settings: Settings) -> tuple[str | None, str | None]:
    config = Config()
    config.set_main_option("script_location", str(Path(store.__file__).parent / "migrations"))
    engine = create_engine(settings.sqlalchemy_url())
    try:
        with engine.connect() as connection:
            stored = MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()
    return stored, ScriptDirectory.from_config(config).get_current_head()


def _encoder(settings: Settings) -> tuple[Finding, str | None]:
    """Verify the encoder's files; return its name too, `None` when it cannot be told."""
    folder = _encoder_folder(settings)
    if folder is None:
        detail = f"encoder {settings.encoder!r} is not in {settings.model_cache} yet"
        return Finding(check="encoder", level="failure", detail=detail, fix="closeloop prepare"), None
    try:
        manifest = read_encoder_manifest(folder)
        wrong = damage(folder, manifest) if manifest is not None else None
        name, _ = encoder_identity(folder)
    except (ModelError, OSError) as error:
        return Finding(check="encoder", level="failure", detail=str(error), fix="closeloop prepare"), None
    if wrong is not None:
        detail = f"{folder}: {wrong}"
        return Finding(check="encoder", level="failure", detail=detail, fix="closeloop prepare"), name
    verified = "verified" if manifest is not None else "has no checksums to verify"
    return Finding(check="encoder", level="ok", detail=f"{name} {verified} in {folder}"), name


def _encoder_folder(settings: Settings) -> Path | None:
    """Find where the encoder would be loaded from, without fetching anything."""
    given = Path(settings.encoder).expanduser()
    if given.is_dir():
        return given
    if settings.encoder != BUNDLED and given.suffix not in {".bin", ".whl"}:
        snapshots = (
            settings.model_cache.expanduser() / "hub" / f"models--{settings.encoder.replace('/', '--')}"
        )
        return next(iter(sorted(snapshots.glob("snapshots/*"))), None)
    ending = f"-{SHA256[:8]}-r{CONVERSION_REVISION}"
    found = (settings.model_cache.expanduser() / "encoders").glob(f"*{ending}")
    return next(iter(sorted(folder for folder in found if not folder.name.startswith("."))), None)


def _heads(settings: Settings, encoder: str | None) -> Finding:
    try:
        manifest = read_manifest(settings.model)
        artefact = load_artefact(settings.model, encoder_name=encoder or manifest.encoder)
    except ModelError as error:
        return Finding(
            check="heads",
            level="failure",
            detail=str(error),
            fix="install this release again, set CLOSELOOP_MODEL to a model folder, or train one",
        )
    detail = f"{artefact.name} {artefact.revision} verified in {settings.model}"
    return Finding(check="heads", level="ok", detail=detail)


def _room(what: str, folder: Path) -> Finding:
    place = folder.expanduser().absolute()
    existing = next(parent for parent in (place, *place.parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    detail = f"{free / 1024**3:.1f} GB free for {place}"
    if free < ROOM_BYTES_MIN:
        return Finding(check=f"disk: {what}", level="failure", detail=detail, fix="make room, or move it")
    if free < ROOM_BYTES_GOOD:
        return Finding(check=f"disk: {what}", level="note", detail=detail, fix="make room soon")
    return Finding(check=f"disk: {what}", level="ok", detail=detail)
