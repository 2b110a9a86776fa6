"""The pages of jobs: what runs, what ran, newer orders, and when the run is made by itself."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import RedirectResponse, Response

from features.errors import ConfigError
from features.language.message import mark, message
from features.settings.data import ACCEPTABLE
from serving.audit.store import Action
from serving.errors import NoWorker, UnknownJob
from serving.jobs.desk import JobDesk
from serving.jobs.job import STAGES, Job
from serving.jobs.order_files import Mode, OrderFiles
from serving.jobs.timetable import Timetable
from serving.jobs.upload import NO_FILE, SentForm, UploadRefused, UploadTooLarge, receive_form
from serving.jobs.wording import JOB_WORDS
from serving.people.caller_names import CallerNames
from serving.web.call import address
from serving.web.forms import Sent
from serving.web.frame import Frame
from serving.web.paths import path_part

JobId = Annotated[str, Path(min_length=1, max_length=100)]
SHOWN = 30
UNKNOWN = mark("There is no such job.")
NOT_LIKE_THE_OTHERS = mark("The orders are read from %(pattern)s; save the file as that.")


def job_pages(
    frame: Frame, desk: JobDesk | None, caller_names: Callable[[], CallerNames]
) -> APIRouter:
    """`/jobs`, `/jobs/{id}` and what their forms send.

    Parameters
    ----------
    desk : where jobs are asked for; None: this server works none
    caller_names : of those who may have asked
    """
    router = frame.router()
    pages = _Pages(frame, desk, caller_names)
    router.add_api_route("/jobs", pages.listed)
    router.add_api_route("/jobs", pages.run_now, methods=["POST"])
    router.add_api_route("/jobs/orders", pages.take_in, methods=["POST"])
    router.add_api_route("/jobs/timetable", pages.set_timetable, methods=["POST"])
    router.add_api_route("/jobs/{job_id}", pages.one)
    router.add_api_route("/jobs/{job_id}/cancel", pages.cancel, methods=["POST"])
    return router


class _Pages:
    def __init__(
        self, frame: Frame, desk: JobDesk | None, caller_names: Callable[[], CallerNames]
    ) -> None:
        self._frame = frame
        self._maybe_desk = desk
        self._caller_names = caller_names

    @property
    def _desk(self) -> JobDesk:
        if self._maybe_desk is None:
            raise NoWorker
        return self._maybe_desk

    def listed(self, request: Request) -> Response:
        return self._listed(request)

    def run_now(self, sent: Sent) -> Response:
        reason = sent.get("reason", "").strip()
        gates = [code for code in sent.getlist("gate") if code in ACCEPTABLE and reason]
        job = self._desk.run_now(
            train="train" in sent,
            by=self._frame.caller(),
            at=self._now(),
            accepted=dict.fromkeys(gates, reason),
        )
        self._audit("job", f"run {job.job_id}")
        return _see(job)

    async def take_in(self, request: Request) -> Response:
        desk = self._desk
        try:
            form = await receive_form(request, desk.sent_folder, desk.upload_bytes)
            file = _fitting(form, desk.order_files)
        except UploadRefused as error:
            status = 413 if isinstance(error, UploadTooLarge) else 422
            problem = error.why.into(self._frame.words(request).language)
            return self._listed(request, problem=problem, status=status)
        mode: Mode = "replace" if form.fields.get("mode") == "replace" else "add"
        job = desk.take_in(file, mode, by=self._frame.caller(), at=self._now())
        self._audit("job", f"take in {job.job_id}")
        return _see(job)

    def set_timetable(self, request: Request, sent: Sent) -> Response:
        try:
            timetable = Timetable.read(sent)
        except ConfigError as error:
            problem = self._frame.words(request).say(str(error))
            return self._listed(request, problem=problem, status=422)
        self._desk.set_timetable(timetable, at=self._now())
        self._audit("timetable", timetable.every)
        return RedirectResponse(address("/jobs"), status_code=303)

    def one(self, request: Request, job_id: JobId) -> Response:
        try:
            job = self._desk.store.job(job_id)
        except UnknownJob:
            return self._frame.render(
                request, "no_job.html", status=404, problem=self._frame.words(request).say(UNKNOWN)
            )
        return self._frame.render(
            request,
            "job.html",
            job=job,
            lines=self._desk.lines(job),
            at=self._now(),
            stages=STAGES,
            job_words=JOB_WORDS,
            callers=self._caller_names(),
            zone=self._desk.zone,
        )

    def cancel(self, job_id: JobId) -> Response:
        job = self._desk.cancel(job_id, at=self._now())
        self._audit("job", f"cancel {job.job_id}")
        return _see(job)

    def _listed(self, request: Request, *, problem: str = "", status: int = 200) -> Response:
        desk = self._maybe_desk
        if desk is None:
            return self._frame.render(request, "jobs_elsewhere.html")
        timetable = desk.store.timetable()
        at = self._now()
        return self._frame.render(
            request,
            "jobs.html",
            status=status,
            problem=problem,
            jobs=desk.store.jobs(SHOWN),
            at=at,
            stages=STAGES,
            job_words=JOB_WORDS,
            callers=self._caller_names(),
            zone=desk.zone,
            timetable=timetable,
            following=timetable.following(at, desk.zone),
            order_files=desk.order_files,
            megabytes=desk.upload_bytes // 1_000_000,
        )

    def _now(self) -> datetime:
        return self._frame.context.clock()

    def _audit(self, action: Action, detail: str) -> None:
        self._frame.context.audit(self._frame.caller(), action, 0, detail)


def _see(job: Job) -> Response:
    return RedirectResponse(address(f"/jobs/{path_part(job.job_id)}"), status_code=303)


def _fitting(form: SentForm, files: OrderFiles | None) -> FilePath:
    """The file of a form, which can be one of the shop's orders."""
    if form.file is None or files is None:
        raise UploadRefused(NO_FILE)
    like = files.why_not(form.name)
    if like is not None and not form.name.lower().endswith(".zip"):
        form.file.unlink()
        raise UploadRefused(message(NOT_LIKE_THE_OTHERS, pattern=like))
    return form.file
