"""Answers held against what the OpenAPI document declares of them."""

from functools import cached_property
from typing import Any

import jsonschema_rs


class DeclaredAnswers:
    """What an OpenAPI document declares of each answer.

    Parameters
    ----------
    document : as `/openapi.json` gives it
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._validators: dict[tuple[str, str, str], Any] = {}

    @cached_property
    def readings(self) -> list[str]:
        """The paths that take GET, as the document writes them."""
        return [path for path, operations in self._document["paths"].items() if "get" in operations]

    def contradictions(self, method: str, path: str, answer: Any) -> list[str]:
        """Where an answer to a call of `path`, as the document writes it, is not as declared."""
        declared = self._document["paths"][path][method]["responses"]
        status = str(answer.status_code)
        if status not in declared:
            return [f"{status} is not declared: {answer.text[:300]}"]
        media_type = answer.headers.get("content-type", "").partition(";")[0]
        content = declared[status].get("content", {})
        if content and media_type not in content:
            return [f"{status}: {media_type} is not declared"]
        if "json" not in media_type:
            return []
        validator = self._validator(method, path, status, content[media_type]["schema"])
        return [
            f"{status}: {'/'.join(map(str, error.instance_path))}: {error.message[:300]}"
            for error in validator.iter_errors(answer.json())
        ]

    def _validator(self, method: str, path: str, status: str, schema: dict[str, Any]) -> Any:
        place = (method, path, status)
        if place not in self._validators:
            whole = {**schema, "components": self._document["components"]}
            self._validators[place] = jsonschema_rs.Draft202012Validator(
                whole, validate_formats=True
            )
        return self._validators[place]
