"""A second server on the database of a first one, and requests to either."""
import os
import subprocess

from server import Server, run, server_info

SPACE = "http://www.csapi.org/schema/parlayx/payment/{interface}/{version}/local"
ENVELOPE = ('<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>{header}</s:Header><s:Body>'
            '<l:{operation} xmlns:l="{space}">{parts}</l:{operation}></s:Body></s:Envelope>')


def two_nodes(ledgerline, folder, environment, way=lambda socket: socket):
    """Servers with demo data and their URLs. Stop the second one first: the first has the database, which the second
    one reaches through the folder that `way` makes of its socket's."""
    environment = dict(environment, LEDGERLINE_AUTH_KEY_FILE=os.path.join(folder, "key"))
    data_dirs = [os.path.join(folder, "var"), os.path.join(folder, "other")]
    command = [ledgerline, "serve", "--demo", "--listen", "127.0.0.1:0", "--sip-listen", ""]
    first = Server([*command, "--data-dir", data_dirs[0]], folder, environment)
    socket = os.path.realpath(os.path.join(data_dirs[0], "socket"))
    second = Server([*command, "--data-dir", data_dirs[1], "--database",
                     f"postgresql://postgres@/ledgerline?host={way(socket)}"], folder, environment)
    return [first, second], [server_info(data_dir)["url"] + "/ParlayX/" for data_dir in data_dirs]


def charge_parts(address="tel:+15550001", amount="1.00", reference="R", balance_type=""):
    balance = f"<l:balanceType>{balance_type}</l:balanceType>" if balance_type else ""
    return (f"<l:endUserIdentifier>{address}</l:endUserIdentifier><l:charge><description>d</description><currency>EUR"
            f"</currency><amount>{amount}</amount></l:charge><l:referenceCode>{reference}</l:referenceCode>{balance}")


def soap(url, operation, parts, *curl_options, interface="amount_charging", version="v2_1", header=""):
    """Status, headers and body of a request by curl."""
    body = ENVELOPE.format(header=header, operation=operation, parts=parts,
                           space=SPACE.format(interface=interface, version=version))
    done = subprocess.run(["curl", "-s", "-i", "-H", "Content-Type: text/xml", "-H", "Expect:", "--data-binary", "@-",
                           *curl_options, url], input=body, capture_output=True, text=True, timeout=60, check=True)
    head, _, text = done.stdout.rpartition("\n\n" if "\r\n\r\n" not in done.stdout else "\r\n\r\n")
    return int(head[head.rindex("HTTP/"):].split()[1]), head, text


def command(ledgerline, data_dir, *arguments):
    """Output of an operator's command that must succeed."""
    output, errors, status = run([ledgerline, *arguments, "--data-dir", data_dir])
    assert status == 0, errors
    return output
