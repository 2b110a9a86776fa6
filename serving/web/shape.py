"""The base of everything that the API takes or gives as JSON."""

from pydantic import BaseModel, ConfigDict


class ApiShape(BaseModel):
    """A JSON object whose fields are all named: others are refused; frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)
