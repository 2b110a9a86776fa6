"""What all sections of the configuration share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

# as it stands in the file, spaces and all
ColumnName = Annotated[str, StringConstraints(min_length=1, strip_whitespace=False)]


class Section(BaseModel):
    """A frozen part of `regulars.toml`; unknown settings are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)
