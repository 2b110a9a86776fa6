import numpy as np
import pandas as pd

from tests.support.purchase_process import simulate_summary
from training.models.prior_share import prior_share, sentence


def customers(number, seed=1):
    found = simulate_summary(
        r=1.5, alpha=30.0, a=0.8, b=3.0, first_may_be_last=True, customers=number, seed=seed
    )
    return pd.DataFrame(
        {
            "repeat_purchase_days": found["x"].astype(float),
            "first_to_last_days": found["t_x"],
            "days_since_first_order": found["T"],
        }
    )


def test_the_share_is_the_weight_of_the_prior():
    features = customers(3000)
    share = prior_share(features)
    observed = features["days_since_first_order"].to_numpy()
    # α / (α + T) with the α that the customers were made with
    np.testing.assert_allclose(share, 30 / (30 + observed), atol=0.04)


def test_nothing_is_known_of_a_new_customer_and_more_of_an_old_one():
    features = customers(200)
    features.loc[0] = [0.0, 0.0, 0.0]
    share = prior_share(features)
    assert share[0] == 1.0
    order = np.argsort(features["days_since_first_order"].to_numpy())
    assert (np.diff(share[order]) <= 0).all()
    assert ((share > 0) & (share <= 1)).all()


def test_the_share_in_words():
    assert sentence(80, 0.35) == (
        "80 customers; of what is expected of an average one, 35% is the shop's average and "
        "65% the customer's own orders"
    )
