"""Where the process stands between its start and its end."""


class ServerLifecycle:
    """Whether the server still takes new work.

    A server that is asked to stop first says at `/readyz` that it is not ready, so that
    whoever shares out the calls sends no more, and finishes what it has.
    """

    def __init__(self) -> None:
        self._stopping = False

    @property
    def stopping(self) -> bool:
        return self._stopping

    def stop(self) -> None:
        """From now on the server is not ready."""
        self._stopping = True
