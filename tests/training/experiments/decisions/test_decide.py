"""Decisions that learn: shares that follow what works, and intervals that hold while they do."""

import numpy as np
import pandas as pd
import pytest

from features.errors import ConfigError
from training.experiments.decisions.boundaries import boundaries, spent
from training.experiments.decisions.decide import effect_over_rounds, read_decision
from training.experiments.decisions.decision_design import DecisionDesign, affordable
from training.experiments.decisions.drawing import draw_arms
from training.experiments.decisions.round_reading import DrawnRound, RoundReading, read_round
from training.experiments.decisions.shares import belief, beliefs_by_group, next_shares


def design(**changes):
    values = {
        "arms": ("nothing", "mail", "letter"),
        "costs": (0.0, 0.5, 2.0),
        "rounds": 4,
        "members": 600,
    }
    return DecisionDesign(**{**values, **changes})


def drawn(outcome, arms, groups=None, known=None):
    arms = np.asarray(arms)
    zeros = np.zeros(len(arms), dtype=int)
    return DrawnRound(
        outcome=np.asarray(outcome, dtype=float),
        arms=arms,
        groups=zeros if groups is None else np.asarray(groups),
        known=known,
    )


def read(means, variances, members=(100, 100, 100)):
    return RoundReading(
        means=np.array(means, dtype=float),
        variances=np.array(variances, dtype=float),
        members=np.array(members),
    )


def test_one_look_has_the_usual_limit_and_more_looks_spend_what_one_does():
    assert boundaries([5.0], 0.1)[0] == pytest.approx(1.6449, abs=1e-3)
    assert spent(1.0, 0.1) == pytest.approx(0.1)
    information = [3.0, 1.0, 1.0, 1.0]
    limits = np.array(boundaries(information, 0.1))
    assert (np.diff(limits) < 0).all()
    z = np.random.default_rng(0).normal(size=(200_000, 4))
    sums = np.cumsum(z * np.sqrt(information), axis=1) / np.sqrt(np.cumsum(information))
    outside = (np.abs(sums) > limits).any(axis=1).mean()
    # standard deviation of a share of 0.1 in 200,000: 0.0007
    assert outside == pytest.approx(0.1, abs=3 * 0.0007)


def test_arms_are_read_as_if_everybody_had_been_in_each():
    # group 1 has high outcomes and got arm 1 more often; the arm itself adds 1
    rng = np.random.default_rng(1)
    groups = np.repeat([0, 1], 400)
    arms = np.concatenate([np.arange(400) % 4 == 0, np.arange(400) % 4 > 0]).astype(int)
    outcome = 10.0 * groups + 1.0 * arms + rng.normal(0, 0.1, 800)
    reading = read_round(drawn(outcome, arms, groups), 2)
    assert reading.means[1] - reading.means[0] == pytest.approx(1.0, abs=0.05)
    plain = outcome[arms == 1].mean() - outcome[arms == 0].mean()
    assert plain == pytest.approx(1 + 10 * (0.75 - 0.25), abs=0.05)
    assert reading.members.tolist() == [400, 400]


def test_what_was_known_before_takes_its_part_of_the_variance_away():
    rng = np.random.default_rng(2)
    known = pd.DataFrame({"usual": rng.normal(size=600)})
    arms = np.arange(600) % 3
    outcome = 3 * known["usual"].to_numpy() + (arms == 2) + rng.normal(0, 0.5, 600)
    plain = read_round(drawn(outcome, arms), 3)
    adjusted = read_round(drawn(outcome, arms, known=known), 3)
    assert adjusted.means[2] - adjusted.means[0] == pytest.approx(1.0, abs=0.15)
    assert (adjusted.variances < 0.1 * plain.variances).all()


def test_an_arm_that_hardly_anybody_got_is_no_answer():
    reading = read_round(drawn([1.0, 2.0, 3.0, 4.0, 5.0], [0, 0, 0, 0, 1]), 2)
    assert reading.variances[1] == np.inf
    two = design(arms=("nothing", "mail"), costs=(0.0, 0.0))
    assert effect_over_rounds(two, [reading], 1)["high"] == np.inf


def test_arms_are_compared_within_rounds_so_that_a_good_month_helps_nobody():
    spread = [0.01, 0.01, 0.01]
    rounds = [read([0, 1, 2], spread), read([100, 101, 102], spread)]
    known = belief(rounds, np.zeros(3), control=0, seed=1)
    np.testing.assert_allclose(known.means, [0, 1, 2], atol=1e-9)
    assert known.best[2] > 0.99
    dear = belief(rounds, np.array([0.0, 0.5, 5.0]), control=0, seed=1)
    np.testing.assert_allclose(dear.means, [0, 0.5, -3], atol=1e-9)
    assert dear.best[1] > 0.99


def test_shares_follow_the_chance_of_being_the_best_and_keep_their_floors():
    floors = np.array([0.05, 0.02, 0.02])
    shares = next_shares(np.array([0.0, 0.2, 0.8]), floors)
    assert shares[0] == 0.05
    # squared: 0.04 to 0.64 of what is left
    assert shares[1:] == pytest.approx(0.95 * np.array([0.04, 0.64]) / 0.68)
    assert next_shares(np.array([0.0, 0.0, 1.0]), floors) == pytest.approx([0.05, 0.02, 0.93])
    assert next_shares(np.array([1.0, 0.0, 0.0]), floors) == pytest.approx([0.96, 0.02, 0.02])


def test_groups_that_surely_differ_get_arms_of_their_own_and_others_the_same():
    tight, loose = [1e-4] * 3, [1.0] * 3
    apart = [[read([0, 1, 0], tight)], [read([0, 0, 1], tight)]]
    first, second = beliefs_by_group(apart, np.zeros(3), control=0, seed=1)
    assert (first.best.argmax(), second.best.argmax()) == (1, 2)
    alike = [[read([0, 1, 0.9], loose)], [read([0, 0.9, 1], loose)]]
    first, second = beliefs_by_group(alike, np.zeros(3), control=0, seed=1)
    np.testing.assert_allclose(first.means, second.means)


def test_a_draw_is_exact_in_its_shares_and_the_same_for_the_same_seed():
    members = [f"c{number}" for number in range(1_000)]
    groups = ["a" if number < 400 else "b" for number in range(1_000)]
    shares = {"a": [0.05, 0.02, 0.93], "b": [0.5, 0.25, 0.25]}
    arms = draw_arms(members, groups, shares, "s")
    assert np.bincount(arms[:400]) == pytest.approx([20, 8, 372], abs=1)
    assert np.bincount(arms[400:]) == pytest.approx([300, 150, 150], abs=1)
    assert draw_arms(members[::-1], groups[::-1], shares, "s") == arms[::-1]
    assert draw_arms(members, groups, shares, "t") != arms
    # everybody has the chance of the shares
    often = [draw_arms(["x", "y"], ["b", "b"], shares, str(seed))[0] for seed in range(400)]
    assert np.mean(np.array(often) == 0) == pytest.approx(0.5, abs=3 * 0.025)


def world(seed, effects, rounds=4, members=600):
    """All rounds of a decision, and whether its intervals held and claimed anything."""
    rng = np.random.default_rng(seed)
    effects = np.array(effects)
    plan = design(rounds=rounds, members=members, costs=(0.0, 0.0, 0.0))
    shares, readings, held, positive = plan.equal_shares, [], True, False
    floors = np.array(plan.floors)
    counts = np.zeros(3)
    for number in range(rounds):
        names = [str(member) for member in range(members)]
        arms = np.array(draw_arms(names, ["all"] * members, {"all": shares}, f"{seed} {number}"))
        readings.append(read_round(drawn(effects[arms] + rng.normal(size=members), arms), 3))
        counts += readings[-1].members
        for arm in (1, 2):
            interval = effect_over_rounds(plan, readings, arm)
            held &= interval["low"] <= effects[arm] <= interval["high"]
            positive |= interval["low"] > 0
        shares = next_shares(belief(readings, np.zeros(3), control=0, seed=seed).best, floors)
    return held, positive, counts


def test_intervals_hold_in_all_rounds_and_null_decisions_claim_nothing():
    null = [world(seed, (0.0, 0.0, 0.0)) for seed in range(120)]
    # nine in ten at least, one in twenty at most; three standard deviations of 120 worlds
    assert np.mean([held for held, _, _ in null]) >= 0.9 - 3 * 0.027
    assert np.mean([positive for _, positive, _ in null]) <= 0.05 + 3 * 0.02


def test_most_contacts_go_to_the_best_arm():
    counts = sum(world(seed, (0.0, 0.1, 0.4))[2] for seed in range(10))
    assert counts.argmax() == 2
    assert counts[2] / counts.sum() > 0.6


def test_a_decision_is_read_with_its_costs_and_says_when_to_stop():
    rng = np.random.default_rng(3)
    arms = np.arange(600) % 3
    brought = np.array([0.0, 2.0, 2.4])[arms] + rng.normal(0, 0.1, 600)
    plan = design()
    reading = read_decision(plan, [drawn(brought, arms)], seed=1)
    mail, letter = reading["effects"]
    assert mail["effect"]["value"] == pytest.approx(2.0 - 0.5, abs=0.05)
    assert letter["effect"]["value"] == pytest.approx(2.4 - 2.0, abs=0.05)
    assert reading["best"] == "mail"
    assert reading["stop"] == "exploring_costs_more_than_it_can_bring"
    # 200 got nothing and 200 the letter
    assert reading["exploring_cost"] == pytest.approx(200 * 1.5 + 200 * 1.1, rel=0.05)
    assert reading["equal_shares_cost"] == pytest.approx(reading["exploring_cost"])
    (shares,) = reading["next"]
    assert sum(shares["shares"].values()) == pytest.approx(1)
    assert shares["shares"]["nothing"] == plan.hold_out
    done = read_decision(design(rounds=1), [drawn(brought, arms)], seed=1)
    assert done["stop"] == "rounds_done"
    with pytest.raises(ConfigError, match="planned were 1 to 1"):
        read_decision(design(rounds=1), [drawn(brought, arms)] * 2, seed=1)


def test_what_exploring_costs_is_said_beforehand():
    cost = design().exploration_cost(0.3)
    assert cost.first_round == pytest.approx(600 * 2 / 3 * 0.3)
    assert cost.later_rounds == pytest.approx(3 * 600 * (0.05 + 0.02) * 0.3)
    assert cost.equal_shares == pytest.approx(4 * 600 * 2 / 3 * 0.3)
    assert affordable([0.5, 0.3, 0.2], (0.0, 0.5, 2.0), 55.0) == 100
    assert affordable([1.0], (0.0,), 5.0) is None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"arms": ("a", "a", "b")}, "name of its own"),
        ({"rounds": 0}, "at least one"),
        ({"explore": 0.5}, "below 1"),
        ({"costs": (1.0, 0.5, 2.0)}, "0 for the control"),
    ],
)
def test_a_design_that_cannot_be_is_refused(changes, problem):
    with pytest.raises(ConfigError, match=problem):
        design(**changes).check()
