"""The database: where it is, its indexes, exemptions and times to live (firestore.indexes.json)."""

from pathlib import Path
from typing import Any

import msgspec

from deploy.functions import REGION
from deploy.gcloud import Gcloud, in_parallel
from shared.errors import PipelineError

INDEX_FILE = Path(__file__).parent / "firestore.indexes.json"
_DATABASE = "--database=(default)"


class IndexField(msgspec.Struct, frozen=True, rename="camel"):
    """A field of a composite index."""

    field_path: str
    order: str


class Index(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A composite index."""

    collection_group: str
    query_scope: str = "COLLECTION"
    fields: tuple[IndexField, ...]


class Override(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A field that Firestore does not index by itself, and may delete by (``ttl``)."""

    collection_group: str
    field_path: str
    ttl: bool = False
    indexes: tuple[()] = ()


class IndexSpec(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The file, in the format of the Firebase CLI."""

    indexes: tuple[Index, ...] = ()
    field_overrides: tuple[Override, ...] = ()


def load_spec(path: Path = INDEX_FILE) -> IndexSpec:
    """Read the file."""
    return msgspec.json.decode(path.read_bytes(), type=IndexSpec)


def apply_database(gcloud: Gcloud) -> None:
    """Create the database where there is none. Raises PipelineError if it is the wrong one."""
    for database in gcloud.read_or([], "firestore", "databases", "list"):
        if database["name"].endswith("/(default)"):
            _check(database)
            return
    gcloud.change(
        f"database in {REGION}, which can never be moved",
        *("firestore", "databases", "create", _DATABASE, f"--location={REGION}"),
        *("--type=firestore-native", "--delete-protection"),
    )


def _check(database: Any) -> None:
    if database.get("type") != "FIRESTORE_NATIVE" or database.get("locationId") != REGION:
        raise PipelineError(
            f"the project has a database {database.get('type')} in {database.get('locationId')};"
            f" FIRESTORE_NATIVE in {REGION} is needed, and neither can be changed:"
            " take another project, or delete that database if nobody needs it"
        )


def apply_indexes(gcloud: Gcloud, spec: IndexSpec) -> None:
    """Create composite indexes, exempt fields, set times to live: what is not there yet."""
    existing = _indexes(gcloud)
    exempted, expiring = _fields(gcloud, "indexes", "fields"), _fields(gcloud, "fields", "ttls")
    in_parallel(lambda i: _create(gcloud, i), (i for i in spec.indexes if i not in existing))
    overrides = spec.field_overrides
    in_parallel(lambda o: _exempt(gcloud, o), (o for o in overrides if _key(o) not in exempted))
    # After the exemptions, since a field can be in only one change at a time.
    ttls = [o for o in overrides if o.ttl and _key(o) not in expiring]
    in_parallel(lambda override: _expire(gcloud, override), ttls)


def _indexes(gcloud: Gcloud) -> list[Index]:
    found = gcloud.read_or([], "firestore", "indexes", "composite", "list", _DATABASE)
    return [
        Index(
            collection_group=index["name"].split("/")[-3],
            query_scope=index["queryScope"],
            fields=tuple(
                IndexField(field["fieldPath"], field.get("order", ""))
                for field in index["fields"]
                if field["fieldPath"] != "__name__"
            ),
        )
        for index in found
    ]


def _fields(gcloud: Gcloud, *group: str) -> set[tuple[str, str]]:
    found = gcloud.read_or([], "firestore", *group, "list", _DATABASE)
    return {(field["name"].split("/")[-3], field["name"].split("/")[-1]) for field in found}


def _key(override: Override) -> tuple[str, str]:
    return override.collection_group, override.field_path


def _create(gcloud: Gcloud, index: Index) -> None:
    fields = [
        f"--field-config=field-path={field.field_path},order={field.order.lower()}"
        for field in index.fields
    ]
    shown = ", ".join(field.field_path for field in index.fields)
    scope = index.query_scope.lower().replace("_", "-")
    gcloud.change(
        f"index of {index.collection_group} by {shown}",
        *("firestore", "indexes", "composite", "create", _DATABASE),
        *(f"--collection-group={index.collection_group}", f"--query-scope={scope}", *fields),
    )


def _exempt(gcloud: Gcloud, override: Override) -> None:
    gcloud.change(
        f"no index of {override.collection_group} by {override.field_path}",
        *("firestore", "indexes", "fields", "update", override.field_path, _DATABASE),
        *(f"--collection-group={override.collection_group}", "--disable-indexes"),
    )


def _expire(gcloud: Gcloud, override: Override) -> None:
    gcloud.change(
        f"{override.collection_group} are deleted once {override.field_path} has passed",
        *("firestore", "fields", "ttls", "update", override.field_path, _DATABASE),
        *(f"--collection-group={override.collection_group}", "--enable-ttl", "--async"),
    )
