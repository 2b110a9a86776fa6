"""Orders, customers and revenue month by month."""

from datetime import timedelta
from typing import Any

from features.segments.system import Words
from serving.exhibits.exhibit import Exhibit, Scene
from serving.exhibits.periods import between, following, period_sql

MOST_MONTHS = 60


def _make(scene: Scene) -> dict[str, Any] | Words:
    frame = scene.log.frame(f"""
        SELECT {period_sql("day", "month")} AS month,
               count(DISTINCT order_key) FILTER (NOT is_return) AS orders,
               count(DISTINCT customer) FILTER (NOT is_return) AS customers,
               sum(amount) AS revenue,
               coalesce(sum(amount) FILTER (customer IS NULL), 0) AS anonymous
        FROM {scene.visible["lines"]} AS known_lines GROUP BY ALL""").set_index("month")
    last = scene.as_of - timedelta(days=1)
    months = between(scene.log.first_day, last, "month")
    table = frame.reindex([month.isoformat() for month in months], fill_value=0).iloc[-MOST_MONTHS:]
    shown = months[-MOST_MONTHS:]
    return {
        "months": [month.isoformat()[:7] for month in shown],
        "orders": table["orders"].astype(int).tolist(),
        "customers": table["customers"].astype(int).tolist(),
        "revenue": [scene.from_minor(amount) for amount in table["revenue"]],
        "revenue_anonymous": [scene.from_minor(amount) for amount in table["anonymous"]],
        "whole": [
            month >= scene.log.first_day and following(month, "month") <= scene.as_of
            for month in shown
        ],
    }


EXHIBIT = Exhibit(
    name="monthly",
    title=Words("Orders, customers and revenue by month", "每月订单、客户与收入"),
    method=Words(
        "Calendar months in the shop's time zone. Orders with a purchase, known customers who "
        "bought, and net revenue, returns taken off, of everybody and of buyers without a name. "
        "A month that the orders do not cover from its first to its last day is not whole. At "
        f"most the last {MOST_MONTHS} months.",
        "按店铺所在时区的自然月统计：有购买的订单数、购买的实名客户数、净收入（已扣除退货），"
        f"并列出其中匿名购买的部分。订单未覆盖整月的月份标为不完整。最多列出最近{MOST_MONTHS}个月。",
    ),
    make=_make,
)
