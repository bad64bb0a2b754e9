"""The few calls to etcd that pgherd's scripts make, over its JSON gateway (etcd 3.4 or newer)."""

import base64
import json
import urllib.error
import urllib.request

# What urlopen and json raise when a member does not answer, or not sensibly.
ERRORS = (OSError, ValueError)


def call(url, path, body=None, timeout=3):
    """POSTs `body` to a member's client URL, or GETs where there is none; answers the JSON; raises one of ERRORS."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data=data, headers={"Content-Type": "application/json"})
    # No proxy from the environment may stand between the members.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise OSError(f"{url}{path}: {error.code} {error.read().decode(errors='replace').strip()}") from error


def members(url):
    """The members as this one knows them, without asking the others."""
    # An empty request means that in every version; 3.4 has no field to say so.
    return call(url, "/v3/cluster/member/list", {})["members"]


def value(url, key):
    """A key's value, agreed upon by a quorum; empty if there is none."""
    encoded = base64.b64encode(key.encode()).decode()
    found = call(url, "/v3/kv/range", {"key": encoded}).get("kvs", [])
    return base64.b64decode(found[0].get("value", "")).decode() if found else ""
