"""gSOAP: wsdl2h and soapcpp2 make C from published WSDLs, and a client of the table's rows is compiled with it.

One version of each service, the newest: the C compiler is the slowest of all clients.
"""
import json
import os
import re
import subprocess
import urllib.request

from soap_drivers import Refusal

IMPORTS = "/usr/share/gsoap/import"

MAIN = """\
/* Calls one row of the table: client ROW ADDRESS REFERENCE RESULT USER PASSWORD */
#include "soapH.h"
#include "services.nsmap"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char* text(const char* value, char** argv) {
    if (strcmp(value, "{ref}") == 0) return argv[3];
    return strcmp(value, "{result}") == 0 ? argv[4] : (char*)value;
}

int main(int argc, char** argv) {
    struct soap* soap = argc == 7 ? soap_new() : NULL;
    const char* result = NULL;
    int status = SOAP_OK;
    if (soap == NULL) return 2;
    soap->userid = argv[5];
    soap->passwd = argv[6];
    switch (atoi(argv[1])) {
%s    }
    if (status == SOAP_OK) {
        printf("%%s\\n", result == NULL ? "" : result);
    } else {
        const char** fault = soap_faultstring(soap);
        fprintf(stderr, "%%s\\n", *fault == NULL ? "no fault" : *fault);
    }
    soap_destroy(soap);
    soap_end(soap);
    soap_free(soap);
    return status == SOAP_OK ? 0 : 1;
}
"""


def assignments(place, arguments):
    """C statements that fill a struct as soapcpp2 lays it out."""
    for name, value in arguments.items():
        member = f"{place}{name}"
        if isinstance(value, dict):
            yield f"{member} = soap_malloc(soap, sizeof *{member});"
            yield f"memset({member}, 0, sizeof *{member});"
            yield from assignments(f"{member}->", value)
        elif isinstance(value, list):
            yield f"{place}__size{name} = {len(value)};"
            yield f"{member} = soap_malloc(soap, {len(value)} * sizeof *{member});"
            for number, item in enumerate(value):
                if isinstance(item, dict):
                    yield f"memset(&{member}[{number}], 0, sizeof *{member});"
                    yield from assignments(f"{member}[{number}].", item)
                else:
                    yield f"{member}[{number}] = {value_of(item)};"
        elif isinstance(value, (bool, int)):
            yield f"{member} = {int(value)};"
        else:
            yield f"{member} = {value_of(value)};"


def value_of(text):
    """A text, or the enumerator that stands for it, in C."""
    return text.position if hasattr(text, "position") else f"text({json.dumps(text)}, argv)"


def row(number, service, case):
    """A call of a row, as a branch of main()."""
    request = f"_l{service}__{case.operation}"
    lines = [f"struct {request} request;", f"struct {request}Response response;", "memset(&request, 0, sizeof request);",
             *assignments("request.", case.arguments),
             f"status = soap_call___w{service}__{case.operation}(soap, argv[2], NULL, &request, &response);"]
    if case.result is not None:
        # Of a structure it is enough that there is one.
        lines.append("if (status == SOAP_OK) result = _Generic(response.result, char*: (char*)response.result,"
                     " default: response.result != NULL ? \"a structure\" : NULL);")
    body = "".join(f"            {line}\n" for line in lines)
    return f"        case {number}: {{\n{body}            break;\n        }}\n"


class Gsoap:
    def __init__(self, folder, credentials, rows):
        """`rows`: cases with the URL of their service."""
        self.folder = os.path.join(folder, "gsoap")
        os.mkdir(self.folder)
        self.credentials = credentials
        self.rows = rows
        self.addresses = list(dict.fromkeys(address for _, address in rows))
        self.generate()

    def tool(self, *command):
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")

    def generate(self):
        prefixes = []
        for number, address in enumerate(self.addresses):
            with urllib.request.urlopen(address + "?wsdl") as answer:
                text = answer.read().decode()
            local = re.search(r'"(http:[^"]+)/interface"', text).group(1)
            with urllib.request.urlopen(address + "?wsdl=interface") as answer:
                elements = re.search(r'"(http:[^"]+/local)"', answer.read().decode()).group(1)
            prefixes += [f'l{number} = "{elements}"', f'w{number} = "{local}/service"']
        self.write("typemap.dat", "\n".join(prefixes) + "\n")
        self.tool("wsdl2h", "-c", "-t", "typemap.dat", "-o", "services.h", *(f"{address}?wsdl" for address in self.addresses))
        self.tool("soapcpp2", "-c", "-C", "-L", "-x", "-p", "soap", f"-I{IMPORTS}", "services.h")
        [nsmap] = [name for name in os.listdir(self.folder) if name.endswith(".nsmap")][:1]
        os.rename(os.path.join(self.folder, nsmap), os.path.join(self.folder, "services.nsmap"))
        branches = [row(number, self.addresses.index(address), case) for number, (case, address) in enumerate(self.rows)]
        self.write("client.c", MAIN % "".join(branches))
        self.tool("gcc", "-O0", "-w", "-o", "client", "client.c", "soapC.c", "soapClient.c", "-lgsoap", "-lz")

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def ask(self, number, reference, result):
        """The answer to a row as the other clients give it."""
        address = self.rows[number][1]
        done = subprocess.run([os.path.join(self.folder, "client"), str(number), address, reference,
                               result if isinstance(result, str) else "",
                               *self.credentials], capture_output=True, text=True, check=False, timeout=60)
        if done.returncode != 0:
            return Refusal(done.stderr.strip(), None)
        return done.stdout.strip() or None
