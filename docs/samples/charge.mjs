// Charges an account with Node's own fetch (Debian: nodejs), no packages needed.
//
//     node charge.mjs URL USER PASSWORD ADDRESS AMOUNT REFERENCE
const [url, user, password, address, amount, reference] = process.argv.slice(2);

const escape = (text) => text.replace(/[<>&]/g, (c) => ({ '<': '&lt;', '>': '&gt;', '&': '&amp;' })[c]);
const body = `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
    xmlns:pay="http://www.csapi.org/schema/parlayx/payment/amount_charging/v2_1/local">
  <soapenv:Body>
    <pay:chargeAmount>
      <pay:endUserIdentifier>${escape(address)}</pay:endUserIdentifier>
      <pay:charge><description>a song</description><currency>EUR</currency><amount>${escape(amount)}</amount></pay:charge>
      <pay:referenceCode>${escape(reference)}</pay:referenceCode>
    </pay:chargeAmount>
  </soapenv:Body>
</soapenv:Envelope>`;

// Repeating this after a time-out is safe: a reference is charged once.
const response = await fetch(`${url}/ParlayX/v2_1/AmountCharging`, {
  method: 'POST',
  headers: {
    'Content-Type': 'text/xml; charset=utf-8',
    SOAPAction: '""',
    Authorization: 'Basic ' + Buffer.from(`${user}:${password}`).toString('base64'),
  },
  body,
  signal: AbortSignal.timeout(30_000),
});
const answer = await response.text();
if (response.ok) {
  console.log('charged');
} else {
  const part = (name) => answer.match(new RegExp(`<${name}[^>]*>([^<]*)`))?.[1] ?? '';
  console.error(`not charged: ${part('messageId')}: ${part('faultstring')}`);
  process.exitCode = 1;
}
