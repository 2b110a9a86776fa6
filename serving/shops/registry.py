"""Which shops a folder holds and what became of each: opened, broken, changed, gone."""

import asyncio
import logging
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from features.errors import RegularsError
from serving.errors import ScorerBusy, StoreError
from serving.shops.lifespan import Lifespan
from serving.shops.shop import (
    KEPT_OF_A_SHOP,
    HostedShop,
    Hosting,
    ShopFolder,
    open_shop,
    shop_folders,
)

log = logging.getLogger(__name__)

TRY_SECONDS = 0.5
LOOK_SECONDS = 2.0
"""Between two looks at the folder."""

AGAIN_SECONDS = 15.0
"""After which a shop that could not be opened is tried again, though nothing of it has changed."""

UNUSABLE = "its settings cannot be used"
NO_STORE = "its store cannot be used"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True, kw_only=True)
class ShopState:
    """A shop of the folder.

    Attributes
    ----------
    shop : None where it cannot be opened
    kind : what is the matter, for anybody; None where nothing is
    detail : the same for operators, with names of files and settings
    """

    name: str
    shop: HostedShop | None = None
    lifespan: Lifespan | None = None
    kind: str | None = None
    detail: str | None = None
    mark: str = ""
    tried_at: float = 0.0

    @property
    def why_not_ready(self) -> str | None:
        """Why the shop cannot answer, with names of files and settings; None where it can."""
        if self.shop is None:
            return self.detail
        return self.shop.parts.why_not_ready()

    @property
    def trouble(self) -> str | None:
        """What an operator should look at; None where all is well.

        A shop may answer all the same: with the settings of before, or without a scorer.
        """
        if (why := self.why_not_ready) is not None:
            return self.detail or why
        refusal = self.shop.scorer.refusal if self.shop is not None else None
        refused = None if refusal is None else f"new orders are not scored: {refusal}"
        return self.detail or refused


class ShopRegistry:
    """The shops of a folder, looked at every few seconds while the server runs.

    A shop that breaks, or whose changed settings cannot be used, takes nothing from the others;
    what was open of it goes on.

    Parameters
    ----------
    folder : each folder in it with a settings file is a shop
    hosting : what they share
    look_seconds : between two looks at the folder
    """

    def __init__(
        self, folder: Path, hosting: Hosting, *, look_seconds: float = LOOK_SECONDS
    ) -> None:
        self._folder = folder
        self._hosting = hosting
        self._look_seconds = look_seconds
        self._states: dict[str, ShopState] = {}
        self._hosts: dict[str, str] = {}
        self._closing = asyncio.Event()
        self._folder_problem: str | None = None

    @property
    def states(self) -> Mapping[str, ShopState]:
        """The shops by name, in the order of their names."""
        return self._states

    @property
    def folder_problem(self) -> str | None:
        """Why the folder cannot be read; None where it can."""
        return self._folder_problem

    def shop(self, name: str) -> ShopState | None:
        """The shop of a name; None where there is none."""
        return self._states.get(name)

    def shop_of_host(self, host: str) -> ShopState | None:
        """The shop that is addressed by a host name of its own."""
        name = self._hosts.get(host)
        return None if name is None else self._states.get(name)

    async def run(self) -> None:
        """Look at the folder until `stop`, then close all shops."""
        trying = asyncio.create_task(self._keep_trying())
        try:
            while not await self._is_closing_after(self._look_seconds):
                await self.look()
        finally:
            await trying
            for name in [*self._states]:
                await self._close(self._states.pop(name))

    def stop(self) -> None:
        """End `run`."""
        self._closing.set()

    async def look(self) -> None:
        """Open what is new or has changed, close what is gone."""
        try:
            folders = await asyncio.to_thread(shop_folders, self._folder)
        except OSError as error:
            # the shops that are open go on
            self._folder_problem = f"{self._folder}: cannot be read ({error.strerror})."
            return
        self._folder_problem = None
        self._hosting = replace(self._hosting, shops=max(len(folders), 1))
        for name in [*self._states]:
            if name not in folders:
                log.info("a shop is gone", extra={"shop": name})
                await self._close(self._states.pop(name))
        for shop_folder in folders.values():
            if await asyncio.to_thread(self._is_due, shop_folder):
                await self._open(shop_folder)
        self._states = dict(sorted(self._states.items()))
        self._hosts = self._named_hosts()

    def _is_due(self, shop_folder: ShopFolder) -> bool:
        state = self._states.get(shop_folder.name)
        if state is None:
            return True
        if state.mark != shop_folder.mark(None if state.shop is None else state.shop.settings):
            return True
        return state.shop is None and time.monotonic() - state.tried_at > AGAIN_SECONDS

    async def _open(self, shop_folder: ShopFolder) -> None:
        before = self._states.get(shop_folder.name)
        opened = await asyncio.to_thread(self._opened, shop_folder, before)
        if opened.shop is not None and (before is None or opened.shop is not before.shop):
            lifespan = Lifespan(opened.shop.app)
            await lifespan.start()
            opened = replace(opened, lifespan=lifespan)
            self._states[shop_folder.name] = opened
            log.info("a shop is open", extra={"shop": shop_folder.name})
            if before is not None:
                await self._close(before)
            return
        if before is None or before.detail != opened.detail:
            log.warning(
                "a shop cannot be opened: %s", opened.kind, extra={"shop": shop_folder.name}
            )
        self._states[shop_folder.name] = opened

    def _opened(self, shop_folder: ShopFolder, before: ShopState | None) -> ShopState:
        """The shop opened, or what was open of it, and why not more."""
        moment = time.monotonic()
        state = ShopState(name=shop_folder.name, tried_at=moment, mark=shop_folder.mark(None))
        if _NAME.fullmatch(shop_folder.name) is None:
            return replace(
                state,
                kind="its name cannot be part of an address",
                detail="its folder's name must be of letters, digits, '.', '_' and '-'",
            )
        try:
            shop = open_shop(
                shop_folder, self._hosting, taken=self._places_beside(shop_folder.name)
            )
        except RegularsError as error:
            matter = NO_STORE if isinstance(error, StoreError) else UNUSABLE
            broken = replace(state, kind=matter, detail=str(error))
            if before is None or before.shop is None:
                return broken
            # what was open goes on with the settings of before
            mark = shop_folder.mark(before.shop.settings)
            return replace(broken, shop=before.shop, lifespan=before.lifespan, mark=mark)
        detail = shop.without_models
        return replace(
            state,
            shop=shop,
            mark=shop.mark,
            kind=detail and "no models are in force",
            detail=detail,
        )

    def _places_beside(self, name: str) -> dict[str, str]:
        """Where the other shops that are open keep something → the shop's name."""
        return {
            folder: other.name
            for other in self._states.values()
            if other.shop is not None and other.name != name
            for setting, folder in other.shop.settings.places().items()
            if setting in KEPT_OF_A_SHOP
        }

    def _named_hosts(self) -> dict[str, str]:
        """Host name → the first shop that has it in its settings."""
        names: dict[str, str] = {}
        for state in self._states.values():
            for host in state.shop.settings.serve.hosts if state.shop is not None else ():
                names.setdefault(host, state.name)
        return names

    async def _keep_trying(self) -> None:
        """Load the models of each shop once, so that bad ones are known before they are needed."""
        while not await self._is_closing_after(TRY_SECONDS):
            for state in [*self._states.values()]:
                shop = state.shop
                if self._closing.is_set() or shop is None or shop.parts.bundle() is None:
                    continue
                with suppress(ScorerBusy):
                    await asyncio.to_thread(shop.scorer.try_new_models)

    async def _is_closing_after(self, seconds: float) -> bool:
        """Wait so long, or until `stop`; whether that was called."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        return self._closing.is_set()

    async def _close(self, state: ShopState) -> None:
        if state.lifespan is not None:
            await state.lifespan.stop()
        if state.shop is not None:
            await asyncio.to_thread(state.shop.close)
