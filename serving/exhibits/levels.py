"""Value × potential × loyalty: how many customers stand in each of the 27 fields."""

from features.language.message import Phrase, message
from serving.exhibits.exhibit import ExhibitMaker, Scene

COLUMNS = ["value_level", "potential_level", "loyalty_level"]


def _make(scene: Scene) -> dict[str, object] | Phrase:
    if not set(COLUMNS) <= set(scene.scores):
        return message("This run has no such levels.")
    fields = scene.scores.groupby(COLUMNS)
    return {
        "fields": [
            {
                **dict(zip(("value", "potential", "loyalty"), map(str, key), strict=True)),
                "customers": len(part),
                "clv": scene.money(part["clv"].sum()),
                "value_at_risk": scene.money(part["value_at_risk"].sum()),
            }
            for key, part in fields
        ]
    }


EXHIBIT = ExhibitMaker(
    name="value_potential_loyalty",
    title=message("Value, potential and loyalty"),
    method=message(
        "Customers by their three levels together, with predicted value and value at risk. Fields "
        "that nobody is in are left out."
    ),
    make=_make,
)
