"""Erasing a customer."""

from typing import Any

from fastapi import APIRouter

from serving.privacy.erasure import erase
from serving.web import schemas as models
from serving.web.call import current_call
from serving.web.paths import CustomerId
from serving.web.problems import NotReady, declared
from serving.web.services import Services


def erasure_routes(services: Services) -> APIRouter:
    """Erasure."""
    router = APIRouter(prefix="/v1/customers", tags=["customers"])

    @router.delete(
        "/{customer_id}",
        operation_id="eraseCustomer",
        summary="Erase a customer everywhere, for good; the answer proves it and names nobody",
        response_model=models.Erasure,
        responses=declared(422, 503),
    )
    def erase_customer(customer_id: CustomerId) -> dict[str, Any]:
        files = services.customer_files
        if files is None:
            raise NotReady("This server was not told which files hold customers.")
        caller = current_call.get().caller
        services.audit(caller, "erase", 1, "all runs and derived files")
        proof = erase([customer_id], services.stores.erasures, files, services.clock())
        services.scores.forget()
        return proof.to_dict()

    return router
