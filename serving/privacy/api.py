"""Erasing a customer."""

from fastapi import APIRouter

from serving.privacy import schemas as models
from serving.privacy.erasure import CustomerFiles, erase
from serving.privacy.store import ErasureStore
from serving.web.call import current_call
from serving.web.context import RouteContext
from serving.web.paths import CustomerId
from serving.web.problems import NotReady, declared


def erasure_routes(
    context: RouteContext, erasures: ErasureStore, files: CustomerFiles | None
) -> APIRouter:
    """Erasure."""
    router = APIRouter(prefix="/v1/customers", tags=["customers"])

    @router.delete(
        "/{customer_id}",
        operation_id="eraseCustomer",
        summary="Erase a customer everywhere, for good; the answer proves it and names nobody",
        response_model=models.Erasure,
        responses=declared(422, 503),
    )
    def erase_customer(customer_id: CustomerId) -> dict[str, object]:
        if files is None:
            raise NotReady("This server was not told which files hold customers.")
        caller = current_call.get().caller
        context.audit(caller, "erase", 1, "all runs and derived files")
        proof = erase([customer_id], erasures, files, context.clock())
        context.scores.forget()
        return proof.to_dict()

    return router
