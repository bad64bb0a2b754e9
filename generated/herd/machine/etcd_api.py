"""The calls to etcd that pgherd's scripts make, over its JSON gateway (etcd 3.4 or newer)."""

import base64
import json
import urllib.error
import urllib.parse
import urllib.request

# What urlopen and json raise when a member is unreachable or sends something unexpected.
ERRORS = (OSError, ValueError)


def call(url, path, body=None, timeout=3):
    """POSTs `body` to a member's URL, or GETs if there is none. Returns the JSON. Raises one of ERRORS."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data=data, headers={"Content-Type": "application/json"})
    # Ignore the environment's proxy: members talk to each other directly.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise OSError(f"{url}{path}: {error.code} {error.read().decode(errors='replace').strip()}") from error


def members(url):
    """Returns the members that this member knows of, without asking the others."""
    # An empty request does that in every version; 3.4 has no field for it.
    return call(url, "/v3/cluster/member/list", {})["members"]


def value(url, key):
    """Returns a key's value as a quorum sees it; empty if there is no such key."""
    encoded = base64.b64encode(key.encode()).decode()
    found = call(url, "/v3/kv/range", {"key": encoded}).get("kvs", [])
    return base64.b64decode(found[0].get("value", "")).decode() if found else ""


def hand_over(url):
    """Moves the leadership off the member at this URL if it leads, first to a member beside a standby. Returns the new leader's name,
    or None if nothing moved. Raises one of ERRORS."""
    status = call(url, "/v3/maintenance/status", {})
    own = status["header"]["member_id"]
    if status.get("leader") != own:
        return None
    others = [member for member in members(url) if member["ID"] != own and any(map(is_healthy, member.get("clientURLs", [])))]
    # Losing PostgreSQL's primary and etcd's leader at once costs seconds more than losing one.
    others.sort(key=lambda member: any(map(is_primary, member["clientURLs"])))
    if not others:
        return None
    call(url, "/v3/maintenance/transfer-leadership", {"targetID": others[0]["ID"]})
    return others[0]["name"]


def is_healthy(url):
    """Returns whether the etcd member at this URL is reachable and healthy."""
    try:
        return call(url, "/health").get("health") == "true"
    except ERRORS:
        return False


def is_primary(url):
    """Returns whether the machine at this URL has PostgreSQL's primary, according to its Patroni."""
    host = urllib.parse.urlsplit(url).hostname
    try:
        call(f"http://{host}:8008", "/primary")
        return True
    except ERRORS:
        return False
