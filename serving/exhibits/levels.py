"""Value × potential × loyalty: how many customers stand in each of the 27 fields."""

from typing import Any

from features.segments.system import Words
from serving.exhibits.exhibit import Exhibit, Scene

COLUMNS = ["value_level", "potential_level", "loyalty_level"]


def _make(scene: Scene) -> dict[str, Any] | Words:
    if not set(COLUMNS) <= set(scene.scores):
        return Words("This run has no such levels.", "本次评分没有这些等级。")
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


EXHIBIT = Exhibit(
    name="value_potential_loyalty",
    title=Words("Value, potential and loyalty", "价值、潜力与忠诚"),
    method=Words(
        "Customers by their three levels together, with predicted value and value at risk. "
        "Fields that nobody is in are left out.",
        "按三个等级的组合统计客户数、预测客户价值与风险价值；无人的组合不列出。",
    ),
    make=_make,
)
