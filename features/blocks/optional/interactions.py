"""What a customer did beside buying; zero for a kind without rows in the table."""

from features.blocks.block import Block, Feature
from features.blocks.optional.kinds import count_within, days_since_last
from features.language.message import message

BLOCK = Block(
    name="interactions",
    grain="customer_interactions",
    needs="interactions",
    features=(
        count_within("visit", 30, "visits", message("visits in the last %(days)s days")),
        count_within("visit", 90, "visits", message("visits in the last %(days)s days")),
        days_since_last("visit", "visit", message("days since the last visit")),
        count_within("enquiry", 90, "enquiries", message("enquiries in the last %(days)s days")),
        count_within("quote", 90, "quotes", message("quotes in the last %(days)s days")),
        count_within("cart", 90, "carts", message("carts filled in the last %(days)s days")),
        count_within("search", 90, "searches", message("searches in the last %(days)s days")),
        count_within(
            "complaint", 365, "complaints", message("complaints in the last %(days)s days")
        ),
        days_since_last("complaint", "complaint", message("days since the last complaint")),
        Feature(
            "last_satisfaction",
            "points",
            "table",
            # several scores at one time: the best of them, whatever their order in the file
            "MAX(CASE WHEN kind = 'satisfaction' AND is_last_of_kind THEN thousandths END) / 1000e0",
            message("last satisfaction from 0 to 10"),
        ),
        Feature(
            "mean_satisfaction_365d",
            "points",
            "table",
            "SUM(CASE WHEN kind = 'satisfaction' AND day >= {as_of} - 365 THEN thousandths END) "
            "/ 1000e0 / NULLIF(SUM(CASE WHEN kind = 'satisfaction' AND day >= {as_of} - 365 "
            "THEN 1 ELSE 0 END), 0)",
            message("mean satisfaction in the last 365 days from 0 to 10"),
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
            message("people referred to the shop"),
        ),
        Feature(
            "referral_spend",
            "money",
            "table",
            "SUM(spend) / {minor}",
            message("net spend of the people referred, since then"),
        ),
        Feature(
            "referred",
            "yes_no",
            "table",
            "MAX(is_referred)",
            message("referred by somebody"),
        ),
    ),
)
