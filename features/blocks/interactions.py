"""What a customer did beside buying; zero of a kind where the table tells of none."""

from features.blocks.block import Block, Feature


def _within(kind: str, days: int, plural: str, en: str, zh: str) -> Feature:
    return Feature(
        f"{plural}_{days}d",
        "count",
        "table",
        f"SUM(CASE WHEN kind = '{kind}' AND day >= {{as_of}} - {days} THEN 1 ELSE 0 END)",
        f"{en} in the last {days} days",
        f"最近{days}天的{zh}",
    )


def _since_last(kind: str, en: str, zh: str) -> Feature:
    return Feature(
        f"days_since_last_{kind}",
        "days",
        "table",
        f"{{as_of}} - MAX(CASE WHEN kind = '{kind}' THEN day END)",
        f"days since the last {en}",
        f"距最近一次{zh}的天数",
    )


BLOCK = Block(
    name="interactions",
    grain="customer_interactions",
    needs="interactions",
    features=(
        _within("visit", 30, "visits", "visits", "到访次数"),
        _within("visit", 90, "visits", "visits", "到访次数"),
        _since_last("visit", "visit", "到访"),
        _within("enquiry", 90, "enquiries", "enquiries", "咨询次数"),
        _within("quote", 90, "quotes", "quotes", "询价次数"),
        _within("cart", 90, "carts", "carts filled", "加入购物车次数"),
        _within("complaint", 365, "complaints", "complaints", "投诉次数"),
        _since_last("complaint", "complaint", "投诉"),
        Feature(
            "last_satisfaction",
            "points",
            "table",
            # several scores at one time: the best of them, whatever their order in the file
            "MAX(CASE WHEN kind = 'satisfaction' AND is_last_of_kind THEN thousandths END) / 1000e0",
            "last satisfaction from 0 to 10",
            "最近一次满意度（0到10分）",
        ),
        Feature(
            "mean_satisfaction_365d",
            "points",
            "table",
            "SUM(CASE WHEN kind = 'satisfaction' AND day >= {as_of} - 365 THEN thousandths END) "
            "/ 1000e0 / NULLIF(SUM(CASE WHEN kind = 'satisfaction' AND day >= {as_of} - 365 "
            "THEN 1 ELSE 0 END), 0)",
            "mean satisfaction in the last 365 days from 0 to 10",
            "最近365天的平均满意度（0到10分）",
        ),
    ),
)

REFERRALS = Block(
    name="referrals",
    grain="customer_referrals",
    needs="referrals",
    features=(
        Feature(
            "referrals",
            "count",
            "table",
            "COUNT(other_customer)",
            "people referred to the shop",
            "推荐来的人数",
        ),
        Feature(
            "referral_spend",
            "money",
            "table",
            "SUM(spend) / {minor}",
            "net spend of the people referred, since then",
            "被推荐人此后的净消费额",
        ),
        Feature(
            "referred",
            "yes_no",
            "table",
            "MAX(is_referred)",
            "referred by somebody",
            "由他人推荐而来",
        ),
    ),
)
