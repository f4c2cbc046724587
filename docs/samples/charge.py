#!/usr/bin/python3
"""Charges an account with zeep (Debian: python3-zeep).

    charge.py URL USER PASSWORD ADDRESS AMOUNT REFERENCE
"""
import sys
from decimal import Decimal

import requests
import zeep
from zeep.transports import Transport

url, user, password, address, amount, reference = sys.argv[1:]
with requests.Session() as session:
    session.auth = (user, password)
    client = zeep.Client(f"{url}/ParlayX/v2_1/AmountCharging?wsdl",
                         transport=Transport(session=session, operation_timeout=30))
    charge = {"description": "a song", "currency": "EUR", "amount": Decimal(amount)}
    try:
        # Repeating this after a time-out is safe: a reference is charged once.
        client.service.chargeAmount(endUserIdentifier=address, charge=charge, referenceCode=reference)
        print("charged")
    except zeep.exceptions.Fault as fault:
        exception = client.wsdl.types.deserialize(fault.detail[0])
        print(f"not charged: {exception.messageId} {exception.variables}: {fault.message}", file=sys.stderr)
        sys.exit(1)
