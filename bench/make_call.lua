-- makeCall between the two peers of bench/calls.py, each call with users of its own, so that a capture tells whose legs
-- belong together. In the environment: CALLING and CALLED (sip:%d@HOST:PORT) and PAUSE, ms between a connection's calls.
local text = [[<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
<c:makeCall xmlns:c="http://www.csapi.org/schema/parlayx/third_party_call/v2_3/local">
<c:callingParty>]] .. os.getenv("CALLING") .. [[</c:callingParty><c:calledParty>]] .. os.getenv("CALLED") .. [[</c:calledParty>
</c:makeCall></s:Body></s:Envelope>]]
local pause = tonumber(os.getenv("PAUSE"))
local number = tonumber(os.getenv("FIRST"))

wrk.method = "POST"
wrk.headers["Content-Type"] = "text/xml"
-- demo-app:demo-app
wrk.headers["Authorization"] = "Basic ZGVtby1hcHA6ZGVtby1hcHA="

function request()
    number = number + 1
    return wrk.format(nil, nil, nil, string.format(text, number, number))
end

if pause > 0 then
    -- Not all connections at once.
    function delay() return math.random(0, 2 * pause) end
end
