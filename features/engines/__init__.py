"""The engines beside the embedded one that compute the same features from the same SQL text.

    loops           SQL aggregates → one fused loop over rows
    grain           one customer's lines → rows of the grains that features are computed over
    program         the SQL of a catalogue → the source of one module
    live            the features of a catalogue, compiled; one customer's values at any date
    customer_lines  the lines of an order log, customer by customer
    golden_lines    customers that are made up
    golden_states   their orders cancelled, refunded, undecided

The SQL is the one definition; what `features.compiler` makes of it is held to the embedded engine
by tests that run every construct over random tables, and by made-up customers before models are
used (`training.bundle.live_proof`).
"""
