"""The past of one customer in compact form: features after a new order without the log.

`CustomerState` takes order lines in whatever order they arrive, late ones too, and answers
with the row that `features.engines.build.build_features` would give for this customer: integers
equal, doubles from the same arithmetic in the same order. The SQL of the catalogue stays
the one definition of a feature; what is here follows it and is held to it by tests.

    record    what is kept: one record per (order, day), the grain of the log
    running   how it is kept ready: sorted lists, prefix sums and counts, by `State` kind
    past      the running figures of a set of records
    formulas  the features of a past, block by block
    encoding  a state as JSON-safe columns
    export    the states of all customers of an `OrderLog`
    reading   a line as a program sends it → a typed line
    judging   the rules for one customer's typed lines: which count, and why not

All but the last three are plain Python: a server imports them without pandas or the engine.
"""

from features.engines.state.customer import CustomerState
from features.reading.order_line import Line

__all__ = ["CustomerState", "Line"]
