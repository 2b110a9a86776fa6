"""What a score run shows as a whole: small tables for pages and the API, made once with the run.

An exhibit is an aggregate: it names no customer, so that nothing of anybody has to be erased
from it. To add one: a file here, and a line in `serving.exhibits.catalogue`.
"""
