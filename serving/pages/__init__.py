"""Pages for people: the churn list, a customer, the API's documentation."""

from serving.pages.views import add_pages

__all__ = ["add_pages"]
