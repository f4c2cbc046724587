-- makeCall between the two peers of bench/calls.py: CALLING and CALLED in the environment.
local body = [[<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
<c:makeCall xmlns:c="http://www.csapi.org/schema/parlayx/third_party_call/v2_3/local">
<c:callingParty>]] .. os.getenv("CALLING") .. [[</c:callingParty><c:calledParty>]] .. os.getenv("CALLED") .. [[</c:calledParty>
</c:makeCall></s:Body></s:Envelope>]]

wrk.method = "POST"
wrk.body = body
wrk.headers["Content-Type"] = "text/xml"
-- demo-app:demo-app
wrk.headers["Authorization"] = "Basic ZGVtby1hcHA6ZGVtby1hcHA="
