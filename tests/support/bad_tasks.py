"""Tasks whose models are broken on purpose: none of them may become champion."""

from dataclasses import replace

import numpy as np
import pandas as pd

from training.recommend.baselines import PopularProducts
from training.tasks.catalogue import TASKS

KINDS = ("nan", "constant", "shuffled", "worse")
SPOKEN = {
    "churn": ["churn_probability"],
    "value": ["clv"],
    "next_purchase": ["next_order_days", "expected_wait_days"],
}


def bad_tasks(kind):
    """The catalogue with every model broken in one way; lists are never NaN."""
    tasks = [BadTask(task, kind) for task in TASKS]
    return tuple(task for task in tasks if not (kind == "nan" and task.outcome is None))


class BadTask:
    """A task of the catalogue that fits a broken model."""

    def __init__(self, task, kind):
        self._task, self._kind = task, kind

    def __getattr__(self, name):
        return getattr(self._task, name)

    def judge(self, world, fold, fitted):
        """Judged beside sound models: what is wrong with another one is not held against it."""
        sound = {name: getattr(model, "_model", model) for name, model in fitted.items()}
        return self._task.judge(world, fold, {**sound, self._task.name: fitted[self._task.name]})

    def fit(self, world, fold):
        if self._kind == "shuffled":
            return self._task.fit(ShuffledWorld(world), fold)
        model = self._task.fit(world, fold)
        if self._task.outcome is not None:
            return BadModel(model, self._kind, SPOKEN[self._task.name])
        if self._kind == "constant":
            return SavedAs(PopularProducts().fit(world.purchases, as_of=fold.test), model)
        return BadLists(model)


class ShuffledWorld:
    """A world in which everybody did what somebody else did."""

    def __init__(self, world):
        self._world = world
        self._rng = np.random.default_rng(11)

    def __getattr__(self, name):
        return getattr(self._world, name)

    def tables(self, *arguments):
        return [
            replace(table, labels=self._mixed(table)) for table in self._world.tables(*arguments)
        ]

    def _mixed(self, table):
        order = self._rng.permutation(len(table.labels))
        return table.labels.iloc[order].set_axis(table.labels.index)

    @property
    def purchases(self):
        real = self._world.purchases
        others = self._rng.permutation(real["product_id"].to_numpy())
        return real.assign(product_id=pd.Categorical(others))


class BadModel:
    def __init__(self, model, kind, columns):
        self._model, self._kind, self._columns = model, kind, columns

    def __getattr__(self, name):
        return getattr(self._model, name)

    def predict(self, *arguments, **options):
        said = self._model.predict(*arguments, **options)
        if self._kind == "nan":
            return said.assign(**dict.fromkeys(self._columns, np.nan))
        if self._kind == "constant":
            return said.assign(**{name: said[name].mean() for name in self._columns})
        # as surely wrong as this one is right
        return said.assign(
            **{name: said[name].max() + said[name].min() - said[name] for name in self._columns}
        )


class SavedAs:
    def __init__(self, speaks, saved):
        self._speaks, self.save = speaks, saved.save

    def recommend(self, *arguments, signs=None, **options):  # noqa: ARG002 - a count sees none
        return self._speaks.recommend(*arguments, **options)


class BadLists:
    """The best product last, and the first nine are nobody's."""

    def __init__(self, model):
        self._model, self.save = model, model.save

    def recommend(self, purchases, *, customers, as_of, limit, **options):
        lists = self._model.recommend(
            purchases, customers=customers, as_of=as_of, limit=40, **options
        )
        lists = lists[lists["rank"] > 20].copy()
        lists["rank"] = lists.groupby("customer_id", observed=True).cumcount() + 1
        return lists[lists["rank"] <= limit]
