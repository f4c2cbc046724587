"""An application that decides about calls: busy and unanswered ones to ADDRESS go to TARGET.

    application.py URL USER PASSWORD ADDRESS TARGET [PORT]
    application.py http://127.0.0.1:8080 demo-app demo-app tel:+15550002 tel:+15550003

Starts a notification, prints `deciding at …`, and stops the notification when it is interrupted.
"""
import base64
import http.server
import re
import sys
import urllib.request
import uuid
from xml.sax.saxutils import escape

URL, USER, PASSWORD, ADDRESS, TARGET = sys.argv[1:6]
PORT = int(sys.argv[6]) if len(sys.argv) > 6 else 0
MANAGER = "http://www.csapi.org/schema/parlayx/call_direction/notification_manager/v3_1/local"
DIRECTION = "http://www.csapi.org/schema/parlayx/call_direction/v3_2/local"
ENVELOPE = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'


def ask(operation, parts):
    """One request to the server; urllib raises an error for a fault."""
    body = ENVELOPE.format(f'<m:{operation} xmlns:m="{MANAGER}">{parts}</m:{operation}>')
    password = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    request = urllib.request.Request(URL + "/ParlayX/", body.encode(), {"Content-Type": "text/xml; charset=utf-8",
                                                                        "Authorization": "Basic " + password})
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30).close()


class Application(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # the connection is kept for the next question

    def do_POST(self):
        question = self.rfile.read(int(self.headers["Content-Length"])).decode()
        operation = re.search(r"handle\w+", question).group()
        answer = ENVELOPE.format(
            f'<d:{operation}Response xmlns:d="{DIRECTION}"><d:result><actionToPerform>Route</actionToPerform>'
            f"<routingAddress>{escape(TARGET)}</routingAddress></d:result></d:{operation}Response>").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml; charset=utf-8")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Application)
endpoint = f"http://127.0.0.1:{server.server_port}/"
correlator = str(uuid.uuid4())
ask("startCallDirectionNotification",
    f"<m:reference><endpoint>{endpoint}</endpoint><interfaceName>CallDirection</interfaceName>"
    f"<correlator>{correlator}</correlator></m:reference><m:addresses>{escape(ADDRESS)}</m:addresses>"
    "<m:criteria>Busy</m:criteria><m:criteria>NoAnswer</m:criteria>")
print("deciding at", endpoint, flush=True)
try:
    server.serve_forever()
except KeyboardInterrupt:
    ask("stopCallDirectionNotification", f"<m:correlator>{correlator}</m:correlator>")
