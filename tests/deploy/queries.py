"""The shape of every query that the code makes, and whether an index covers it.

Google's emulator answers every query; production refuses one that no index covers. Source of the
rules: https://firebase.google.com/docs/firestore/query-data/index-overview
"""

import ast
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import grpc
from google.cloud.firestore_v1 import types

from deploy.firestore import Index, IndexField, IndexSpec
from local.ports import free_ports

_SERVICE = "google.firestore.v1.Firestore"
_MAKES_QUERIES = frozenset({"where", "order_by", "collection_group", "FieldFilter", "find_nearest"})
_EQUAL = types.StructuredQuery.FieldFilter.Operator.EQUAL
_RANGES = frozenset(
    {
        types.StructuredQuery.FieldFilter.Operator.LESS_THAN,
        types.StructuredQuery.FieldFilter.Operator.LESS_THAN_OR_EQUAL,
        types.StructuredQuery.FieldFilter.Operator.GREATER_THAN,
        types.StructuredQuery.FieldFilter.Operator.GREATER_THAN_OR_EQUAL,
    }
)
_DIRECTIONS = {
    types.StructuredQuery.Direction.ASCENDING: "ASCENDING",
    types.StructuredQuery.Direction.DESCENDING: "DESCENDING",
}
_NAME = "__name__"


class EmptyFirestore:
    """A database without documents, which remembers the queries that it was asked."""

    def __init__(self) -> None:
        self.queries: list[types.StructuredQuery] = []

    def handlers(self) -> Any:
        """Return what answers its requests."""
        methods = {
            "RunQuery": grpc.unary_stream_rpc_method_handler(
                self._run, types.RunQueryRequest.deserialize, types.RunQueryResponse.serialize
            ),
            "BatchGetDocuments": grpc.unary_stream_rpc_method_handler(
                self._get,
                types.BatchGetDocumentsRequest.deserialize,
                types.BatchGetDocumentsResponse.serialize,
            ),
        }
        return grpc.method_handlers_generic_handler(_SERVICE, methods)

    def _run(
        self, request: types.RunQueryRequest, _context: Any
    ) -> Iterator[types.RunQueryResponse]:
        self.queries.append(request.structured_query)
        yield types.RunQueryResponse(read_time=datetime.now(UTC))

    def _get(
        self, request: types.BatchGetDocumentsRequest, _context: Any
    ) -> Iterator[types.BatchGetDocumentsResponse]:
        for name in request.documents:
            yield types.BatchGetDocumentsResponse(missing=name, read_time=datetime.now(UTC))


@contextmanager
def serving(database: EmptyFirestore) -> Iterator[str]:
    """Serve the database, as an emulator; yields its host and port."""
    (port,) = free_ports(1)
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((database.handlers(),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


@dataclass(frozen=True)
class Shape:
    """What a query needs to be indexed: fields that are equal to something, fields in an order."""

    collection: str
    equal: tuple[str, ...]
    sort: tuple[IndexField, ...]

    @property
    def is_simple(self) -> bool:
        """Whether Firestore's own indexes, of one field each, are enough."""
        return not self.sort or (not self.equal and len(self.sort) == 1)

    def is_covered_by(self, index: Index) -> bool:
        """Whether this composite index covers it; equal fields may stand in any order."""
        first, rest = index.fields[: len(self.equal)], index.fields[len(self.equal) :]
        same = sorted(field.field_path for field in first) == list(self.equal)
        return same and rest == self.sort and index.collection_group == self.collection


def shape(query: types.StructuredQuery) -> Shape:
    """Return a query's shape; NotImplementedError for one that the code has not made so far."""
    equal, ranged = _filtered(query)
    orders = [IndexField(o.field.field_path, _DIRECTIONS[o.direction]) for o in query.order_by]
    if ranged and not orders:
        orders = [IndexField(field, "ASCENDING") for field in ranged]
    sort = tuple(order for order in orders if order.field_path != _NAME)
    last = sort[-1].order if sort else "ASCENDING"
    (source,) = query.from_
    if source.all_descendants or any(order.order != last for order in orders[len(sort) :]):
        raise NotImplementedError("a collection group, or names in another direction")
    return Shape(source.collection_id, tuple(sorted(equal)), sort)


def _filtered(query: types.StructuredQuery) -> tuple[list[str], list[str]]:
    """Return the fields that are compared for equality, and those for order."""
    equal: list[str] = []
    ranged: list[str] = []
    for each in _conditions(query.where):
        field = each.field.field_path
        if each.op == _EQUAL:
            equal.append(field)
        elif each.op in _RANGES:
            ranged.append(field)
        else:
            raise NotImplementedError(f"a filter {each.op.name}")
    return equal, list(dict.fromkeys(ranged))


def _conditions(where: Any) -> Iterator[Any]:
    kind = types.StructuredQuery.Filter.pb(where).WhichOneof("filter_type")
    if kind == "field_filter":
        yield where.field_filter
    elif kind == "composite_filter":
        if where.composite_filter.op != types.StructuredQuery.CompositeFilter.Operator.AND:
            raise NotImplementedError("a filter with OR")
        for part in where.composite_filter.filters:
            yield from _conditions(part)
    elif kind is not None:
        raise NotImplementedError(kind)


def uncovered(query: types.StructuredQuery, spec: IndexSpec) -> str:
    """Return why no index covers the query; empty if one does."""
    asked = shape(query)
    if not asked.is_simple:
        return "" if any(map(asked.is_covered_by, spec.indexes)) else f"no index for {asked}"
    exempted = {(o.collection_group, o.field_path) for o in spec.field_overrides}
    fields = [*asked.equal, *(order.field_path for order in asked.sort)]
    missing = [field for field in fields if (asked.collection, field) in exempted]
    return f"{asked.collection} is not indexed by {missing}" if missing else ""


def query_lines(folders: list[Path]) -> set[tuple[str, int]]:
    """Return every place, as file and line, in which source code builds a query."""
    return {
        (str(path), node.lineno)
        for folder in folders
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] in _MAKES_QUERIES
    }


@contextmanager
def traced(seen: set[tuple[str, int]], file: str) -> Iterator[None]:
    """Note every line of a file that runs in this thread."""

    def trace(frame: FrameType, event: str, _argument: Any) -> Callable[..., Any] | None:
        if frame.f_code.co_filename != file:
            return None
        if event == "line":
            seen.add((file, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)
