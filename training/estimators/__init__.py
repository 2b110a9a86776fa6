"""Our models as scikit-learn estimators: of feature tables, and of purchase histories alone."""
