"""Why a customer's scores are what they are: sentences for people, contributions for analysts."""
