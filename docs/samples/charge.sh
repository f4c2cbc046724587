#!/bin/sh
# Charges an account with curl.
#
#     charge.sh URL USER PASSWORD ADDRESS AMOUNT REFERENCE     e.g. http://127.0.0.1:8080 demo-app demo-app tel:+15550001 1.50 R1
url=$1 user=$2 password=$3 address=$4 amount=$5 reference=$6

answer=$(curl --silent --show-error --max-time 30 --user "$user:$password" \
    --header 'Content-Type: text/xml; charset=utf-8' --header 'SOAPAction: ""' --data-binary @- \
    "$url/ParlayX/v2_1/AmountCharging" <<XML
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
    xmlns:pay="http://www.csapi.org/schema/parlayx/payment/amount_charging/v2_1/local">
  <soapenv:Body>
    <pay:chargeAmount>
      <pay:endUserIdentifier>$address</pay:endUserIdentifier>
      <pay:charge><description>a song</description><currency>EUR</currency><amount>$amount</amount></pay:charge>
      <pay:referenceCode>$reference</pay:referenceCode>
    </pay:chargeAmount>
  </soapenv:Body>
</soapenv:Envelope>
XML
) || exit 2 # nobody answered: the same command again is safe, a reference is charged once

case $answer in
*chargeAmountResponse*) echo "charged" ;;
*) printf '%s\n' "$answer" | sed -n 's/.*<faultstring[^>]*>\(.*\)<\/faultstring>.*/not charged: \1/p' >&2; exit 1 ;;
esac
