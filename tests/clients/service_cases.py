"""What the real clients call: for each service and version one operation and its answer, and one fault.

A service that is added gets its rows here, and every client calls it.
"""
from typing import NamedTuple


class Literal(str):
    """A value of an enumeration. gSOAP wants to know where the schema lists it."""

    def __new__(cls, text, position):
        literal = super().__new__(cls, text)
        literal.position = position
        return literal


ANYTHING = object()  # a result that the server makes up

CHARGE = {"description": "a song", "currency": "EUR", "amount": "1.50"}
BUSY, NO_ANSWER, CALLED_NUMBER, ANSWER = (Literal("Busy", 0), Literal("NoAnswer", 2), Literal("CalledNumber", 3),
                                          Literal("Answer", 4))
REFERENCE = {"endpoint": "http://127.0.0.1:9/application", "interfaceName": "application", "correlator": "{ref}"}
TOO_MUCH = {**CHARGE, "amount": "1000000"}


class Case(NamedTuple):
    """Texts may have {ref}, a reference that is new for each call, and {result}, the result of the row before."""
    service: str
    versions: tuple
    operation: str
    arguments: dict
    result: object = None   # None: the answer is empty
    fault: str = ""         # the id of a fault that is the answer instead


CASES = [
    Case("AmountCharging", ("v2_1", "v3_1"), "chargeAmount",
         {"endUserIdentifier": "tel:+15550070", "charge": CHARGE, "referenceCode": "{ref}"}),
    Case("AmountCharging", ("v2_1", "v3_1"), "chargeAmount",
         {"endUserIdentifier": "tel:+15550070", "charge": TOO_MUCH, "referenceCode": "{ref}"}, fault="SVC0270"),
    Case("AmountCharging", ("v2_0",), "chargeAmount",
         {"endUserIdentifier": "tel:+15550070", "amount": "1.50", "billingText": "a song", "referenceCode": "{ref}"}),
    Case("ReserveAmountCharging", ("v2_1", "v3_1"), "reserveAmount",
         {"endUserIdentifier": "tel:+15550071", "charge": CHARGE}, result=ANYTHING),
    Case("ReserveAmountCharging", ("v2_1", "v3_1"), "chargeReservation",
         {"reservationIdentifier": "{result}", "charge": CHARGE, "referenceCode": "{ref}"}),
    Case("ReserveAmountCharging", ("v2_0",), "reserveAmount",
         {"endUserIdentifier": "tel:+15550071", "amount": "1.50", "billingText": "a song"}, result=ANYTHING),
    Case("ReserveAmountCharging", ("v2_0", "v2_1", "v3_1"), "releaseReservation",
         {"reservationIdentifier": "none"}, fault="SVC0002"),
    Case("VolumeCharging", ("v2_0", "v2_1", "v3_1"), "chargeVolume",
         {"endUserIdentifier": "tel:+15550072", "volume": 1000, "billingText": "a film", "referenceCode": "{ref}",
          "balanceType": "data"}),
    Case("VolumeCharging", ("v2_0", "v2_1", "v3_1"), "chargeVolume",
         {"endUserIdentifier": "tel:+15550072", "volume": 2000000000, "billingText": "a film", "referenceCode": "{ref}",
          "balanceType": "data"}, fault="SVC0270"),
    Case("ReserveVolumeCharging", ("v2_0", "v2_1", "v3_1"), "reserveVolume",
         {"endUserIdentifier": "tel:+15550073", "volume": 1000, "billingText": "a film", "balanceType": "data"},
         result=ANYTHING),
    Case("ReserveVolumeCharging", ("v2_0", "v2_1", "v3_1"), "chargeReservation",
         {"reservationIdentifier": "{result}", "volume": 1000, "billingText": "a film", "referenceCode": "{ref}"}),
    Case("AccountManagement", ("v2_0", "v2_1"), "getBalance", {"endUserIdentifier": "tel:+15550074"}, result=ANYTHING),
    Case("AccountManagement", ("v2_0", "v2_1"), "balanceUpdate",
         {"endUserIdentifier": "tel:+15550074", "referenceCode": "{ref}", "amount": "2.50", "period": 30}),
    Case("AccountManagement", ("v2_2", "v3_0", "v3_1"), "balanceUpdate",
         {"endUserIdentifier": "tel:+15550074", "referenceCode": "{ref}", "balanceType": "bonus", "amount": "2.50"}),
    Case("AccountManagement", ("v2_0", "v2_1", "v2_2", "v3_0", "v3_1"), "getHistory",
         {"endUserIdentifier": "tel:+19990000"}, fault="SVC0002"),
    Case("ThirdPartyCall", ("v2_3",), "makeCall",
         {"callingParty": "sip:nobody@127.0.0.1:9", "calledParty": "sip:none@127.0.0.1:9"}, result=ANYTHING),
    Case("ThirdPartyCall", ("v2_0", "v2_3"), "endCall", {"callIdentifier": "none"}, fault="SVC0002"),
    Case("ThirdPartyCall", ("v3_4",), "makeCallSession",
         {"callParticipants": ["sip:nobody@127.0.0.1:9", "sip:none@127.0.0.1:9"], "changeMediaNotAllowed": False},
         result=ANYTHING),
    Case("ThirdPartyCall", ("v3_4",), "endCallSession", {"callSessionIdentifier": "none"}, fault="SVC0002"),
    Case("CallDirectionManager", ("v2_2", "v3_1"), "startCallDirectionNotification",
         {"reference": REFERENCE, "addresses": ["tel:+15550075", "tel:+15550076"], "criteria": [BUSY, NO_ANSWER]}),
    Case("CallDirectionManager", ("v2_2", "v3_1"), "startCallDirectionNotification",
         {"reference": REFERENCE, "addresses": ["tel:+15550075"], "criteria": [BUSY]}, fault="SVC0008"),
    Case("CallDirectionManager", ("v2_2", "v3_1"), "stopCallDirectionNotification",
         {"correlator": "any", "addresses": ["tel:+15550075", "tel:+15550076"], "criteria": [BUSY, NO_ANSWER]}),
    Case("CallNotificationManager", ("v2_2", "v3_1", "v3_8"), "startCallNotification",
         {"reference": REFERENCE, "addresses": ["tel:+15550077"], "criteria": [CALLED_NUMBER, ANSWER]}),
    Case("CallNotificationManager", ("v2_2", "v3_1", "v3_8"), "stopCallNotification", {"correlator": "none"},
         fault="SVC0002"),
    Case("CallNotificationManager", ("v3_1", "v3_8"), "startPlayAndCollectNotification",
         {"reference": REFERENCE, "callSessionIdentifier": "none"}, fault="POL0001"),
    Case("CallNotificationManager", ("v3_1", "v3_8"), "startPlayAndRecordNotification",
         {"reference": REFERENCE, "callSessionIdentifier": "none"}, fault="POL0001"),
    Case("CallNotificationManager", ("v3_1", "v3_8"), "stopMediaInteractionNotification", {"correlator": "none"},
         fault="SVC0002"),
    Case("CallHandling", ("v2_0", "v2_1", "v3_0", "v3_1"), "setRules",
         {"address": "tel:+15550075", "rules": {"blockList": ["tel:+15550009"], "forward": {
             "forwardingAddress": "tel:+15550076", "onBusyAddress": "tel:+15550077"}}}),
    Case("CallHandling", ("v2_0", "v2_1", "v3_0", "v3_1"), "getRules", {"address": "tel:+15550075"}, result=ANYTHING),
    Case("CallHandling", ("v2_0", "v2_1", "v3_0", "v3_1"), "clearRules", {"addresses": ["tel:+15550075"]}),
    Case("CallHandling", ("v2_0", "v2_1", "v3_0", "v3_1"), "clearRules", {"addresses": ["tel:+19990000"]},
         fault="SVC0004"),
]


def calls(case_filter=lambda case, version: True):
    """Each row in each of its versions, versions of a service together."""
    for version in sorted({version for case in CASES for version in case.versions}):
        for case in CASES:
            if version in case.versions and case_filter(case, version):
                yield case, version
