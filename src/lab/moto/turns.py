"""Carries out one request at a time.

moto serves each request in a thread of its own, and its dictionaries are not made for that: a request that walks through one while
another request adds or removes something fails, sometimes after it has done its work. The AWS SDKs repeat a request that failed so,
and the second one is refused, because the work is done.
"""

import functools
import io
import threading

import moto.server

TURN = threading.Lock()


def in_turn(application):
    """Wraps an application so that it handles one request at a time. Requests are still read, and responses sent, in parallel."""

    @functools.wraps(application)
    def one(environ, start_response):
        if environ.get("CONTENT_LENGTH"):
            environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        with TURN:
            return list(application(environ, start_response))

    return one


def serve_in_turn(host, port, application, **options):
    """Replaces moto's own start."""
    serve(host, port, in_turn(application), **options)


serve = moto.server.run_simple
moto.server.run_simple = serve_in_turn
