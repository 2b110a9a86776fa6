"""`regulars rollback`, written into the audit log; apart from `promote` to start at once."""

from serving.commands.audited import audited
from serving.commands.rollback_champions import rollback as training_rollback

rollback = audited(training_rollback, "rollback", lambda _: (0, "all models, to those before"))
