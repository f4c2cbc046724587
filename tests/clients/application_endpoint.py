"""An application that the server calls: CallDirection and CallNotification, made from the WSDLs that it publishes.

Requests are read and answers written by zeep in its strict mode, so what does not fit the published schemas is an
error. A test gives the answers:

    endpoint = ApplicationEndpoint(server_url)
    endpoint.answer = lambda event: {"actionToPerform": "Route", "routingAddress": ["tel:+15550003"]}
    … start a notification with endpoint.url, call …
    [event] = endpoint.wait_for(1)          # event.operation, event.version, event.arguments
    endpoint.stop()

For trouble: endpoint.delay (seconds), endpoint.raw = (status, body), and endpoint.close_port().

As a program it prints each event as a line of JSON, and answers as it was told:

    application_endpoint.py SERVER_URL [Continue|EndCall|Route|Fork [ADDRESS…]]
"""
import http.server
import json
import re
import sys
import threading
import time
from typing import NamedTuple

import requests
import zeep
from lxml import etree
from zeep.transports import Transport

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
INTERFACES = {"CallDirection": ("v2_2", "v3_2"), "CallNotification": ("v2_2", "v3_2", "v3_8")}
NAMESPACE = re.compile(r"http://www\.csapi\.org/schema/parlayx/(call_direction|call_notification)/(v\d_\d+)/local")
WAIT_SECONDS = 60


class Event(NamedTuple):
    """One request of the server."""
    operation: str
    version: str        # of its namespace
    arguments: dict
    path: str


class Schemas:
    """What the server publishes for those that it calls."""

    def __init__(self, server_url):
        session = requests.Session()
        session.trust_env = False
        self.clients = {}
        for interface, versions in INTERFACES.items():
            for version in versions:
                self.clients[interface, version] = zeep.Client(
                    f"{server_url}/ParlayX/{version}/{interface}?wsdl", settings=zeep.Settings(strict=True),
                    transport=Transport(session=session, timeout=WAIT_SECONDS, operation_timeout=WAIT_SECONDS))
        session.close()

    def client(self, namespace):
        """Any v2_N is read like the one that is published."""
        base, version = NAMESPACE.fullmatch(namespace).groups()
        interface = "CallDirection" if base == "call_direction" else "CallNotification"
        return self.clients[interface, "v2_2" if version.startswith("v2_") else version], version


class ApplicationEndpoint:
    def __init__(self, server_url, port=0):
        self.schemas = Schemas(server_url)
        self.answer = lambda event: {"actionToPerform": "Continue"}
        self.delay = 0
        self.raw = None
        self.events = []
        self.errors = []
        self.changed = threading.Condition()
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = endpoint.respond(body, self.path)
                self.send_response(status)
                self.send_header("Content-Type", "text/xml; charset=utf-8")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/application"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def respond(self, body, path):
        try:
            event, element = self.read(body, path)
        except Exception as error:  # pylint: disable=broad-exception-caught
            with self.changed:
                self.errors.append(f"{error}: {body.decode(errors='replace')}")
                self.changed.notify_all()
            return 500, self.fault(str(error))
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()
        if self.delay:
            time.sleep(self.delay)
        if self.raw:
            return self.raw
        return 200, self.write(event, element)

    def read(self, body, path):
        [child] = etree.fromstring(body).find(f"{{{SOAP}}}Body")
        name = etree.QName(child)
        client, version = self.schemas.client(name.namespace)
        published = NAMESPACE.sub(lambda match: match.group().replace(version, "v2_2"), name.namespace) \
            if version.startswith("v2_") else name.namespace
        if published != name.namespace:
            child = etree.fromstring(etree.tostring(child).replace(name.namespace.encode(), published.encode()))
        arguments = zeep.helpers.serialize_object(client.wsdl.types.deserialize(child), dict)
        return Event(name.localname, version, arguments, path), (client, name.namespace, published)

    def write(self, event, element):
        client, namespace, published = element
        response = client.get_element(f"{{{published}}}{event.operation}Response")
        value = response(result=self.answer(event)) if event.operation.startswith("handle") else response()
        envelope = etree.Element(f"{{{SOAP}}}Envelope")
        response.render(etree.SubElement(envelope, f"{{{SOAP}}}Body"), value)
        return etree.tostring(envelope).replace(published.encode(), namespace.encode())

    @staticmethod
    def fault(text):
        envelope = etree.Element(f"{{{SOAP}}}Envelope")
        fault = etree.SubElement(etree.SubElement(envelope, f"{{{SOAP}}}Body"), f"{{{SOAP}}}Fault")
        etree.SubElement(fault, "faultcode").text = "Server"
        etree.SubElement(fault, "faultstring").text = text
        return etree.tostring(envelope)

    def wait_for(self, number):
        """The events, once there are so many. An unreadable one is an error at once."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.events) >= number or self.errors, WAIT_SECONDS)
            assert not self.errors, self.errors
            assert len(self.events) >= number, f"{len(self.events)} events: {self.events}"
            return list(self.events)

    def close_port(self):
        """From now on nobody listens."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    stop = close_port


def main(server_url, verb="Continue", *addresses):
    endpoint = ApplicationEndpoint(server_url)
    action = {"actionToPerform": verb}
    if addresses:
        action["routingAddress"] = list(addresses)

    def answer(event):
        print(json.dumps(event._asdict()), flush=True)
        return action

    endpoint.answer = answer
    print(endpoint.url, flush=True)
    endpoint.thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
