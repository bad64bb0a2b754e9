"""Serves interface endpoints: TLS at each endpoint's own addresses, behind its security groups and its policy.

moto has endpoints, but nothing listens there. Here a second server in the same process does, with moto's own application. A request
to it is known to come from the caller's address, through the endpoint with the address that it was sent to. If the endpoint's groups
do not let the caller in, the connection is closed before TLS starts; AWS would let the caller wait.
"""

import datetime
import ipaddress
import os
import re
import ssl
import tempfile
import threading

import moto.server
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from moto.core.responses import BaseResponse
from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend
from turns import in_turn
from werkzeug.serving import ThreadedWSGIServer

# The port of endpoints. A test may listen on another one instead.
HTTPS = 443
# Seconds to wait for a caller's request.
PATIENCE = 30
# The key of a request's environment with the endpoint that it came through.
THROUGH = "pgherd.endpoint"


class Doors(ThreadedWSGIServer):
    """Listens on the addresses of all endpoints."""

    daemon_threads = True

    def __init__(self, host, port, application):
        def through(environ, start_response):
            environ[THROUGH] = endpoint_at(environ["werkzeug.socket"].getsockname()[0])
            return application(environ, start_response)

        super().__init__(host, port, through)
        self.tls = identity(os.environ["PGHERD_LAB_CERTIFICATE"])

    def verify_request(self, request, client_address):
        endpoint = endpoint_at(request.getsockname()[0])
        return endpoint is not None and lets_in(endpoint, client_address[0])

    def finish_request(self, request, client_address):
        # In the caller's own thread, so that a silent caller blocks nobody else.
        request.settimeout(PATIENCE)
        with self.tls.wrap_socket(request, server_side=True) as private:
            super().finish_request(private, client_address)


def identity(file):
    """Makes a key and a certificate for this process. The certificate goes into a file for clients that must trust it."""
    names = []
    for region in RegionsAndZonesBackend.regions:
        domain = region.endpoint.removeprefix(f"ec2.{region.name}.")
        names += [f"secretsmanager.{region.name}.{domain}", f"*.secretsmanager.{region.name}.vpce.{domain}"]
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pgherd's lab")])
    is_for = dict.fromkeys(
        ["content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign", "encipher_only", "decipher_only"],
        False,
    )
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        # Tests may move the machines' clocks.
        .not_valid_before(utcnow() - datetime.timedelta(days=365))
        .not_valid_after(utcnow() + datetime.timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=True, **is_for), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    text = certificate.public_bytes(serialization.Encoding.PEM)
    with open(file, "wb") as trusted:
        trusted.write(text)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    # Python loads keys from files only.
    with tempfile.NamedTemporaryFile() as both:
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        both.write(key.private_bytes(*form) + text)
        both.flush()
        context.load_cert_chain(both.name)
    return context


def endpoint_at(address):
    """Returns the interface endpoint with an address."""
    for regions in ec2_backends.values():
        for backend in regions.values():
            for endpoint in backend.vpc_end_points.values():
                interfaces = [backend.enis[one] for one in endpoint.network_interface_ids if one in backend.enis]
                if endpoint.state == "available" and address in [one.private_ip_address for one in interfaces]:
                    return endpoint
    return None


def lets_in(endpoint, address):
    """Returns whether a security group of an endpoint lets an address in."""
    backend = endpoint.ec2_backend
    groups = [backend.get_security_group_from_id(one) for one in endpoint.security_group_ids]
    return any(covers(backend, rule, endpoint.vpc_id, address) for group in groups for rule in group.ingress_rules)


def covers(backend, rule, vpc_id, address):
    """Returns whether a rule allows HTTPS from an address: in a range, in a prefix list, or of an interface with a given group."""
    if rule.ip_protocol != "-1" and not (rule.ip_protocol == "tcp" and rule.from_port <= HTTPS <= rule.to_port):
        return False
    ranges = [rule.cidr_ipv4] if rule.cidr_ipv4 else []
    if rule.prefix_list_id:
        prefixes = backend.managed_prefix_lists[rule.prefix_list_id]
        ranges += [entry["Cidr"] for entry in prefixes.entries.get(prefixes.version) or []]
    if any(ipaddress.ip_address(address) in ipaddress.ip_network(one) for one in ranges):
        return True
    named = rule.source_group.get("GroupId")
    callers = [one for one in backend.enis.values() if one.private_ip_address == address and one.subnet.vpc_id == vpc_id]
    return any(named == group.id for one in callers for group in one.group_set)


def serve_both(host, port, application, **options):
    """Replaces moto's own start, and starts the doors first."""
    door_host, _, door_port = os.environ["PGHERD_LAB_DOORS"].rpartition(":")
    doors = Doors(door_host, int(door_port), in_turn(application))
    threading.Thread(target=doors.serve_forever, daemon=True).start()
    serve(host, port, application, **options)


serve = moto.server.run_simple
moto.server.run_simple = serve_both
# In an endpoint's own name, the region is one label earlier.
BaseResponse.region_regex = re.compile(r"\.(?P<region>[^.]+)(\.vpce)?\.amazonaws\.com")
