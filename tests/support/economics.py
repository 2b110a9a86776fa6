"""What expected profits of a small shop rest on."""

ECONOMICS = {
    "cost_per_contact": 0.62,
    "hold_out": 0.1,
    "save_rate": 0.05,
    "save_rate_low": 0.0,
    "save_rate_high": 0.1,
    "save_rate_campaigns": 0,
    "margin_share": 0.3,
    "margin_source": "setting",
    "order_value": 40.0,
    "spend_cv": 1.0,
    "high_value_from": 300.0,
    "consent_known": False,
}
