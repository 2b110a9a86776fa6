"""The command `regulars`: gathers the commands of all packages, imports each when called."""

from importlib import import_module

import click

COMMANDS = {
    "init": (
        "serving.commands.shop.init:init",
        "Look at a file of orders and write a regulars.toml.",
    ),
    "check": (
        "serving.commands.shop.orders:check",
        "The doctor: what is used, what is put aside and why.",
    ),
    "features": (
        "serving.commands.shop.orders:features",
        "Write the features at any dates as Parquet.",
    ),
    "train": (
        "serving.commands.models.training:train",
        "Learn, backtest, track, register, publish.",
    ),
    "backtest": (
        "serving.commands.models.training:backtest",
        "Judge every model beside its baseline.",
    ),
    "tune": ("serving.commands.models.tune:tune", "Search settings of the trees; say if it pays."),
    "plugin": (
        "serving.commands.models.plugin:plugin",
        "Start a package with features and models of your own.",
    ),
    "models": (
        "serving.commands.models.champions:models",
        "Versions, grades, which is champion and why.",
    ),
    "promote": (
        "serving.commands.models.champions:promote",
        "Put challengers in force that are not worse.",
    ),
    "rollback": (
        "serving.commands.models.rollback:rollback",
        "Return to the models that were in force before.",
    ),
    "ledger": ("serving.commands.models.ledger:ledger", "What was said against what happened."),
    "score": ("serving.commands.shop.score:score", "Score every customer and publish the run."),
    "run": (
        "serving.commands.shop.run:run",
        "What cron starts: check, train when due, score, files.",
    ),
    "serve": ("serving.commands.shop.serve:serve", "Answer requests: pages, API, its docs."),
    "list": (
        "serving.commands.marketing.list:list_customers",
        "The churn list; also as CSV and Excel.",
    ),
    "digest": ("serving.commands.marketing.digest:digest", "Who to look at this week, by e-mail."),
    "buyers": (
        "serving.commands.marketing.buyers:buyers",
        "Who will probably buy a product or a category.",
    ),
    "prospects": (
        "serving.commands.marketing.prospects:prospects",
        "People who showed interest and have bought nothing, with their propensity.",
    ),
    "same-person": (
        "serving.commands.shop.same_person:same_person",
        "Propose who may be the same person, for people to decide.",
    ),
    "exhibit": ("serving.commands.marketing.exhibit:exhibit", "Tables about the whole shop."),
    "campaigns": (
        "serving.commands.marketing.campaigns:campaigns",
        "Campaigns and what they earned.",
    ),
    "experiment": (
        "serving.commands.marketing.experiment:experiment",
        "Read a randomised experiment from a table or a campaign.",
    ),
    "decide": (
        "serving.commands.marketing.decide:decide",
        "Treatments in rounds: what works, and who gets which next.",
    ),
    "people": (
        "serving.commands.people.people:people",
        "People who sign in: add, list, role, sign out, remove.",
    ),
    "keys": ("serving.commands.people.keys:keys", "API keys: create, list, revoke."),
    "audit": ("serving.commands.people.audit:audit", "Who exported, erased, promoted, made keys."),
    "erase": ("serving.commands.people.erase:erase", "Erase customers everywhere, with a proof."),
    "export": (
        "serving.commands.shop.export:export",
        "Features, figures and lines under pseudonyms, for data scientists.",
    ),
    "sealing-key": (
        "serving.commands.shop.export:sealing_key",
        "Make a key that backups and exports are sealed with.",
    ),
    "unseal": ("serving.commands.shop.export:unseal", "Open a sealed backup or export."),
    "backup": (
        "serving.commands.shop.backup:backup",
        "Copy the store, the models and the settings.",
    ),
    "restore": ("serving.commands.shop.backup:restore", "Put a backup back in its place."),
    "demo": ("serving.commands.shop.demo:demo", "The whole way on real orders of a grocer."),
}
"""Command → where it is and a few words, in the order of a shop's first day."""


class LazyGroup(click.Group):
    """A group whose commands are imported only when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name][0].split(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)  # noqa: S101
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="regulars")
def main() -> None:
    """Which customers will stay, what they are worth and what they will buy next."""


if __name__ == "__main__":
    main()
