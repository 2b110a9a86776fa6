"""Addresses of links that let somebody in once."""

from serving.web.call import address

USUAL_ADDRESS = "http://127.0.0.1:8000"
"""Where a server listens of which nobody has said otherwise."""


def invitation_address(server: str, token: str) -> str:
    """The link of a token, on the server at an address such as `https://regulars.example.com`.

    Within a call it leads to the shop that is called, where several share a server.
    """
    return f"{server.rstrip('/')}{address(f'/invitation/{token}')}"
