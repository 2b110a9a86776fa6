"""Where the jobs of a shop are kept and worked, also before it has settings."""

import socket
from dataclasses import dataclass
from pathlib import Path

from serving.settings import Store, load_shop

LOCK = ".worker.lock"


@dataclass(frozen=True)
class WorkPlace:
    """A shop as its worker sees it.

    Attributes
    ----------
    config : its settings file, which need not be there yet
    store_url : of the store in which its jobs are
    data : the folder of what is kept of it
    """

    config: Path
    store_url: str
    data: Path

    @classmethod
    def of(cls, config: Path) -> "WorkPlace":
        """The place that the settings name, or that new ones would.

        Raises
        ------
        ConfigError
            When there are settings that cannot be used.
        """
        if config.exists():
            settings = load_shop(config)
            data = settings.path(settings.store.bundles).parent
            return cls(config, settings.database_url(settings.store.url), data)
        usual, root = Store(), config.absolute().parent
        file = (root / usual.url.removeprefix("sqlite:///")).resolve()
        return cls(config, f"sqlite:///{file}", (root / usual.bundles).parent)

    @property
    def lock(self) -> Path:
        """The file whose lock a worker holds."""
        return self.data / LOCK

    @property
    def name(self) -> str:
        """The place as other computers that share the store know it."""
        return f"{socket.gethostname()}:{self.lock.resolve()}"
