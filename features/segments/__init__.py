"""Customer segments: rules over feature columns, each published with its cut points."""
