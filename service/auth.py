"""Keys and what they may do."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from service.errors import ConflictError, NotFoundError, UnauthenticatedError, UnprocessableError
from service.store.records import ApiKey, Tenant, new_id, now

SCOPES: Final = ("score", "read", "write", "train", "admin")
DEFAULT_TENANT: Final = "default"
PREFIX: Final = "cl"
KEY: Final = re.compile(PREFIX + r"_(?P<id>[0-9A-Za-z]{1,16})_(?P<secret>[0-9A-Za-z_-]{1,256})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks: a key acting for a tenant. `name` is what histories show."""

    tenant: UUID
    name: str
    scopes: frozenset[str]


def create_key(session: Session, *, tenant_name: str, name: str, scopes: tuple[str, ...]) -> str:
    """Make a key, and its tenant where it does not exist yet.

    Returns:
        The key, ``cl_<id>_<secret>``: shown once, only a hash of the secret is kept.

    Raises:
        UnprocessableError: A scope is unknown, or there is none.
    """
    unknown = set(scopes) - set(SCOPES)
    if unknown or not scopes:
        raise UnprocessableError(
            f"expected scopes out of {', '.join(SCOPES)}, got {', '.join(scopes) or 'none'}"
        )
    tenant = ensure_tenant(session, tenant_name)
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    session.add(
        ApiKey(
            id=key_id,
            tenant_id=tenant.id,
            name=name,
            secret_sha256=_sha256(secret),
            scopes=sorted(set(scopes)),
        )
    )
    return f"{PREFIX}_{key_id}_{secret}"


def revoke_key(session: Session, key_id: str) -> ApiKey:
    """Make a key useless from now on.

    Raises:
        NotFoundError: No such key.
        ConflictError: It is revoked already.
    """
    key = session.get(ApiKey, key_id)
    if key is None:
        raise NotFoundError(f"no key {key_id}")
    if key.revoked_at is not None:
        raise ConflictError(f"key {key_id} was revoked at {key.revoked_at.isoformat()}")
    key.revoked_at = now()
    return key


def authenticate(session: Session, bearer: str) -> Principal:
    """Find out who a bearer key belongs to.

    Raises:
        UnauthenticatedError: The key is malformed, unknown or revoked; which of these is not told.
    """
    parts = KEY.fullmatch(bearer)
    key = session.get(ApiKey, parts["id"]) if parts else None
    given = _sha256(parts["secret"] if parts else bearer)
    if key is None or key.revoked_at is not None or not hmac.compare_digest(given, key.secret_sha256):
        raise UnauthenticatedError("expected a valid key in `Authorization: Bearer <key>`, got another one")
    return Principal(tenant=key.tenant_id, name=key.name, scopes=frozenset(key.scopes))


def ensure_tenant(session: Session, name: str) -> Tenant:
    """Return the tenant of that name; create it where it does not exist.

    Several processes may do so at once, as when a service starts with several workers.
    """
    tenant = session.scalar(select(Tenant).where(Tenant.name == name))
    if tenant is None:
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        values = {"id": new_id(), "name": name, "created_at": now()}
        session.execute(insert(Tenant).values(values).on_conflict_do_nothing(index_elements=[Tenant.name]))
        tenant = session.scalars(select(Tenant).where(Tenant.name == name)).one()
    return tenant


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
