-- wrk's requests: chargeAmount with references that nobody used before; with "pairs", reserveAmount and the
-- chargeReservation of each answer.
--
--   wrk … URL -- RUN ACCOUNTS uniform|zipf|hot|pairs|balances
--
-- "balances" asks for the balance of one account after the other, so that the server knows them all.

local thread_count = 0
function setup(thread)
    thread:set("thread_no", thread_count)
    thread_count = thread_count + 1
end

local envelope = '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:n="%s">' ..
    "<soapenv:Header/><soapenv:Body><n:%s>%s</n:%s></soapenv:Body></soapenv:Envelope>"
local amount_service = "http://www.csapi.org/schema/parlayx/payment/amount_charging/v3_1/local"
local account_service = "http://www.csapi.org/schema/parlayx/account_management/v3_1/local"
local reserve_service = "http://www.csapi.org/schema/parlayx/payment/reserve_amount_charging/v3_1/local"

local function message(path, namespace, operation, body)
    local headers = { ["Content-Type"] = "text/xml; charset=utf-8", ["SOAPAction"] = '""',
                      ["Authorization"] = wrk.headers["Authorization"] }
    return wrk.format("POST", path, headers, string.format(envelope, namespace, operation, body, operation))
end

-- Gray et al., "Quickly generating billion-record synthetic databases", SIGMOD 1994, with theta 0.99.
local function zipf(n)
    local theta, zeta = 0.99, 0
    for i = 1, n do zeta = zeta + 1 / i ^ theta end
    local alpha, zeta2 = 1 / (1 - theta), 1 + 0.5 ^ theta
    local eta = (1 - (2 / n) ^ (1 - theta)) / (1 - zeta2 / zeta)
    return function()
        local u = math.random()
        if u * zeta < 1 then return 1 end
        if u * zeta < zeta2 then return 2 end
        return 1 + math.floor(n * (eta * u - eta + 1) ^ alpha)
    end
end

local prefix, count, pick, pairs_of, balances, next_charge
local reserved = {}

-- All charges are equally long, so that their head is made once: making it anew took wrk a fifth of its time.
local function charges()
    local width = string.len(prefix) + 12
    local head, rest = message("/ParlayX/v3_1/AmountCharging", amount_service, "chargeAmount",
        "<endUserIdentifier>" .. string.rep("@", 16) .. "</endUserIdentifier><charge><description>song</description>" ..
        "<currency>EUR</currency><amount>1.50</amount></charge><referenceCode>" .. string.rep("#", width) ..
        "</referenceCode>"):match("^(.-)@+(.*)$")
    local middle, tail = rest:match("^(.-)#+(.*)$")
    return function()
        return string.format("%stel:+%.0f%s%s%012d%s", head, 15550000000 + pick(), middle, prefix, count, tail)
    end
end

function init(arguments)
    local accounts, kind = tonumber(arguments[2]), arguments[3]
    prefix, count = string.format("%s-%d-", arguments[1], thread_no), 0
    math.randomseed(os.time() + 7919 * thread_no)
    pairs_of = kind == "pairs"
    balances = kind == "balances"
    if kind == "zipf" then pick = zipf(accounts)
    elseif kind == "hot" then pick = function() return 1 end
    elseif kind == "balances" then pick = function() return 1 + (count - 1) % accounts end
    else pick = function() return math.random(accounts) end end
    next_charge = charges()
    if not pairs_of then response = nil end  -- wrk is slower when it has one
end

local function pick_address() return string.format("tel:+%.0f", 15550000000 + pick()) end

function request()
    count = count + 1
    if pairs_of then
        local reservation = table.remove(reserved)
        if reservation then
            return message("/ParlayX/v3_1/ReserveAmountCharging", reserve_service, "chargeReservation",
                "<reservationIdentifier>" .. reservation .. "</reservationIdentifier><charge><description>song" ..
                "</description><currency>EUR</currency><amount>1.50</amount></charge><referenceCode>" .. prefix ..
                count .. "</referenceCode>")
        end
        return message("/ParlayX/v3_1/ReserveAmountCharging", reserve_service, "reserveAmount",
            "<endUserIdentifier>" .. pick_address() .. "</endUserIdentifier><charge><description>song</description>" ..
            "<currency>EUR</currency><amount>1.50</amount></charge>")
    end
    if balances then
        return message("/ParlayX/v3_1/AccountManagement", account_service, "getBalance",
            "<endUserIdentifier>" .. pick_address() .. "</endUserIdentifier>")
    end
    return next_charge()
end

function response(status, headers, body)
    local reservation = body:match("<[^>]*result>([^<]+)</")
    if reservation then reserved[#reserved + 1] = reservation end
end

function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format("bench %d %d %d\n", summary.requests, summary.duration,
        errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
