"""Other people's SOAP clients, and the plainest one of our own, behind one call.

Each takes an interface, a version, an operation and its children as a dict, and returns None, a text, a dict of
texts, a list of several of these, or a Refusal.
"""
import json
import os
import re
import subprocess
from collections import namedtuple
from decimal import Decimal
from xml.sax.saxutils import escape

import requests
import zeep
from lxml import etree
from zeep.helpers import serialize_object
from zeep.transports import Transport

Refusal = namedtuple("Refusal", "text message_id")
DRIVERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "drivers")
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"


def plain(value):
    """What clients give in their own types, as texts; what is absent is left out."""
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items() if part is not None}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value if value is None else str(value)


def session(user, password):
    made = requests.Session()
    made.auth = (user, password)
    made.trust_env = False
    return made


class Zeep:
    """Python; strict: what the WSDL does not allow, it neither sends nor reads."""

    def __init__(self, url, user="demo-app", password="demo-app"):
        self.url, self.session, self.clients = url, session(user, password), {}

    def client(self, interface, version):
        if (interface, version) not in self.clients:
            self.clients[interface, version] = zeep.Client(
                f"{self.url}/ParlayX/{version}/{interface}?wsdl", settings=zeep.Settings(strict=True),
                transport=Transport(session=self.session, timeout=60, operation_timeout=60))
        return self.clients[interface, version]

    def operations(self, interface, version):
        """Those that the WSDL publishes."""
        binding = next(iter(self.client(interface, version).wsdl.bindings.values()))
        return set(binding.all())

    def call(self, interface, version, operation, children):
        client = self.client(interface, version)
        try:
            return plain(serialize_object(client.service[operation](**children), dict))
        except zeep.exceptions.Fault as fault:
            return Refusal(fault.message, client.wsdl.types.deserialize(fault.detail[0]).messageId)

    def close(self):
        self.session.close()


def id_in(detail):
    """The messageId somewhere in a fault's detail, in whatever form a client gives that."""
    if isinstance(detail, dict):
        return detail.get("messageId") or next(filter(None, map(id_in, detail.values())), None)
    return None


class Child:
    """A client of another language: a process that answers a call, a line of JSON, with a line of JSON."""

    def __init__(self, url, *command, environment=None):
        self.url = url
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment)

    def call(self, interface, version, operation, children):
        request = {"wsdl": f"{self.url}/ParlayX/{version}/{interface}?wsdl", "operation": operation, "arguments": children}
        print(json.dumps(request, default=str), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        assert line, f"the client ended with status {self.process.wait()}"
        answer = json.loads(line)
        assert "error" not in answer, answer
        if answer.get("fault") is not None:
            return Refusal(answer["fault"], id_in(answer.get("detail")))
        return plain(answer.get("result"))

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()


class Php(Child):
    """PHP's SoapClient."""

    def __init__(self, url, user="demo-app", password="demo-app"):
        super().__init__(url, "php", os.path.join(DRIVERS, "php.php"), user, password)


class Backwards:
    """Children in the wrong order and without a namespace, as some clients send them."""

    def __init__(self, url, user="demo-app", password="demo-app"):
        self.url, self.session, self.namespaces = url, session(user, password), {}
        self.header = ""  # of the envelope
        self.replayed = False  # the last answer was the first one again

    def namespace(self, interface, version):
        if (interface, version) not in self.namespaces:
            schema = self.session.get(f"{self.url}/ParlayX/{version}/{interface}?xsd=local").text
            self.namespaces[interface, version] = re.search('targetNamespace="([^"]+)"', schema)[1]
        return self.namespaces[interface, version]

    def xml(self, name, value):
        if isinstance(value, list):
            return "".join(self.xml(name, part) for part in value)
        if isinstance(value, dict):
            text = "".join(self.xml(*child) for child in value.items())
        else:
            text = escape(str(value))
        return f"<{name}>{text}</{name}>"

    def call(self, interface, version, operation, children):
        body = "".join(self.xml(*child) for child in reversed(children.items()))
        answer = self.session.post(f"{self.url}/ParlayX/", headers={"Content-Type": "text/xml; charset=utf-8"}, data=(
            f'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/">{self.header}<e:Body>'
            f'<o:{operation} xmlns:o="{self.namespace(interface, version)}">{body}</o:{operation}>'
            "</e:Body></e:Envelope>").encode())
        self.replayed = answer.headers.get("Idempotency-Replayed") == "true"
        content = etree.fromstring(answer.content).find(SOAP + "Body")[0]
        if content.tag == SOAP + "Fault":
            return Refusal(content.findtext("faultstring"), content.findtext(".//messageId"))
        results = [{child.tag: child.text for child in result} or result.text for result in content]
        return results if len(results) > 1 else next(iter(results), None)

    def close(self):
        self.session.close()


def decimals(value):
    """Amounts may be written in several ways."""
    if isinstance(value, dict):
        return {name: decimals(part) for name, part in value.items()}
    if isinstance(value, list):
        return [decimals(part) for part in value]
    try:
        return Decimal(value)
    except (ArithmeticError, TypeError, ValueError):
        return value
