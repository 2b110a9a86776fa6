"""Which fields of an answer a caller asks for."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

ABOUT = "Fields of each customer to return, by commas or repeated; all, by default"


@dataclass(frozen=True)
class FieldsOf:
    """An annotation of a list of texts: names of fields of `shape`, repeated or parted by commas."""

    shape: type[BaseModel]

    @property
    def names(self) -> list[str]:
        return [field.alias or name for name, field in self.shape.model_fields.items()]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        json_schema = handler(schema)
        json_schema["items"] = {**json_schema["items"], "enum": self.names}
        return json_schema

    def _checked(self, sent: list[str]) -> list[str]:
        field_names = [name for text in sent for name in text.split(",")]
        own_names = set(self.names)
        if unknown := next((name for name in field_names if name not in own_names), None):
            raise ValueError(f"no such field: {unknown[:60]!r}")
        if "" in field_names:
            raise ValueError("a field has a name")
        return field_names


def of_fields(answer: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
    """The `fields` of an answer, in its order; without any, all."""
    if not fields:
        return dict(answer)
    return {name: value for name, value in answer.items() if name in fields}
