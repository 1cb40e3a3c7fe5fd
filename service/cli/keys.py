"""`closeloop keys`: who may ask for what. Works on the database, also while the service runs."""

from typing import Annotated

import typer
from rich.text import Text

from service.auth import DEFAULT_TENANT, SCOPES, create_key, revoke_key
from service.cli.cells import plain, table
from service.cli.console import err, out
from service.cli.errors import CliError
from service.cli.settings import service_settings
from service.cli.stores import opened
from service.store.records import ApiKey, Tenant

NAME_CHARS_MAX = {"tenant": 64, "name": 128}


def create(
    name: Annotated[str, typer.Option(help="What histories show, such as zendesk or anna.")],
    scope: Annotated[list[str], typer.Option(help=f"{', '.join(SCOPES)}; may be given several times.")],
    tenant: Annotated[str, typer.Option(help="Made if there is none of that name.")] = DEFAULT_TENANT,
) -> None:
    """Make a key. Standard output gets the key alone, once: only a hash of it is kept."""
    for what, value in (("tenant", tenant), ("name", name)):
        if not value.strip() or len(value) > NAME_CHARS_MAX[what] or "\0" in value:
            raise CliError(f"expected a {what} of 1 to {NAME_CHARS_MAX[what]} characters, got {len(value)}")
    scopes = tuple(part for given in scope for part in given.replace(",", " ").split())
    with opened(service_settings()) as database, database.write() as session:
        secret = create_key(session, tenant_name=tenant, name=name, scopes=scopes)
    key_id = secret.split("_")[1]
    err().print(
        f"key {key_id} of tenant {plain(tenant)}, scopes {' '.join(sorted(set(scopes)))}, "
        f"in {plain(database.url.render_as_string(hide_password=True))}; it is shown this once:",
        markup=False,
    )
    typer.echo(secret)


def list_keys(
    tenant: Annotated[str | None, typer.Option(help="Only keys of this tenant.")] = None,
) -> None:
    """List keys; their secrets are not stored, so nobody can see them again."""
    with opened(service_settings()) as database, database.read() as session:
        query = session.query(ApiKey, Tenant).join(Tenant, Tenant.id == ApiKey.tenant_id)
        if tenant is not None:
            query = query.where(Tenant.name == tenant)
        found = [(key, owner) for key, owner in query.order_by(Tenant.name, ApiKey.created_at)]
    console = out()
    if not found:
        console.print("no keys yet; make one with: closeloop keys create --name NAME --scope read")
        return
    rows = table()
    for heading in ("Id", "Tenant", "Name", "Scopes", "Created", "Revoked"):
        rows.add_column(heading)
    for key, owner in found:
        revoked = key.revoked_at
        rows.add_row(
            key.id,
            Text(plain(owner.name)),
            Text(plain(key.name)),
            " ".join(key.scopes),
            f"{key.created_at:%Y-%m-%d %H:%M}",
            Text(f"{revoked:%Y-%m-%d %H:%M}" if revoked else "-", style="red" if revoked else "dim"),
        )
    console.print(rows)


def revoke(key_id: Annotated[str, typer.Argument(metavar="ID", help="As `keys list` shows it.")]) -> None:
    """Make a key useless from the next request on."""
    if key_id.startswith("cl_"):
        raise CliError("expected the id of a key (the part between the underscores), got a whole key")
    with opened(service_settings()) as database, database.write() as session:
        key = revoke_key(session, key_id)
        name = key.name
    out().print(f"revoked key {key_id} ({plain(name)})", markup=False)
