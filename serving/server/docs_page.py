"""The API's documentation as a plain page: an OpenAPI document, flattened for a template.

Rendered here rather than by a viewer, since the known viewers bring megabytes of script
or load it from elsewhere, which the pages' Content-Security-Policy rightly forbids.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from serving.web.frame import Frame


@dataclass(frozen=True)
class DocumentedPart:
    """A parameter or a field: `shape` names the schema it links to, if it has a name."""

    name: str
    place: str
    kind: str
    shape: str | None
    required: bool
    description: str


@dataclass(frozen=True)
class DocumentedResponse:
    """A response: its status and what it carries."""

    status: str
    description: str
    media_types: tuple[str, ...]
    shape: str | None


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    operation_id: str
    summary: str
    parts: tuple[DocumentedPart, ...]
    outcomes: tuple[DocumentedResponse, ...]


@dataclass(frozen=True)
class Shape:
    name: str
    description: str
    parts: tuple[DocumentedPart, ...]


def docs_pages(frame: Frame) -> APIRouter:
    """`/docs`."""
    router = frame.router()

    def docs(request: Request) -> Response:
        document = request.app.openapi()
        return frame.render(
            request,
            "docs.html",
            document=document,
            operations=operations(document),
            shapes=shapes(document),
        )

    router.add_api_route("/docs", docs)
    return router


def operations(document: Mapping[str, Any]) -> list[Operation]:
    """Every operation of an OpenAPI document, in its order."""
    return [
        Operation(
            method=method.upper(),
            path=path,
            operation_id=operation["operationId"],
            summary=operation.get("summary", ""),
            parts=(*_parameters(operation), *_body(operation)),
            outcomes=tuple(_outcomes(operation)),
        )
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def shapes(document: Mapping[str, Any]) -> list[Shape]:
    """Every named schema of an OpenAPI document, by name."""
    return [
        Shape(name, schema.get("description", ""), tuple(_fields(schema, location="")))
        for name, schema in sorted(document["components"]["schemas"].items())
    ]


def _parameters(operation: Mapping[str, Any]) -> Iterator[DocumentedPart]:
    for parameter in operation.get("parameters", ()):
        yield _part(
            parameter["name"],
            parameter["schema"],
            location=parameter["in"],
            required=parameter.get("required", False),
            description=parameter.get("description", ""),
        )


def _body(operation: Mapping[str, Any]) -> Iterator[DocumentedPart]:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield from _fields(content["schema"], location="body")


def _fields(schema: Mapping[str, Any], *, location: str) -> Iterator[DocumentedPart]:
    for name, inner in schema.get("properties", {}).items():
        yield _part(
            name,
            inner,
            location=location,
            required=name in schema.get("required", ()),
            description=inner.get("description", ""),
        )


def _part(
    name: str, schema: Mapping[str, Any], *, location: str, required: bool, description: str
) -> DocumentedPart:
    return DocumentedPart(name, location, kind(schema), _shape(schema), required, description)


def _outcomes(operation: Mapping[str, Any]) -> Iterator[DocumentedResponse]:
    for status, response in sorted(operation["responses"].items()):
        content = response.get("content", {})
        named = (_shape(body.get("schema", {})) for body in content.values())
        shape = next((name for name in named if name), None)
        yield DocumentedResponse(status, response["description"], tuple(content), shape)


def kind(schema: Mapping[str, Any]) -> str:  # noqa: PLR0911 - a line per form of schema
    """The type of a schema in a few words, such as 'list of text' or 'date or null'."""
    match schema:
        case {"$ref": str(reference)}:
            return _name(reference)
        case {"anyOf": list(choices)}:
            return " or ".join(dict.fromkeys(kind(choice) for choice in choices))
        case {"enum": list(values)}:
            return " | ".join(map(str, values))
        case {"const": value}:
            return str(value)
        case {"type": "array"}:
            return f"list of {kind(schema.get('items', {}))}"
        case {"type": "object", "additionalProperties": dict(inner)}:
            return f"text → {kind(inner)}"
        case {"format": str(written)}:
            return written
        case {"type": str(plain)}:
            return {"string": "text"}.get(plain, plain)
        case _:
            return "any"


def _shape(schema: Mapping[str, Any]) -> str | None:
    if "$ref" in schema:
        return _name(schema["$ref"])
    inner = [*schema.get("anyOf", ()), schema.get("items"), schema.get("additionalProperties")]
    shapes = (_shape(part) for part in inner if isinstance(part, Mapping))
    return next((name for name in shapes if name), None)


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]
