"""What is predicted: each task fits its model, judges it beside a named baseline, draws it."""
