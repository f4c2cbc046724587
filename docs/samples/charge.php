<?php
// Charges an account with PHP's SoapClient (Debian: php-cli php-soap).
//
//     php charge.php URL USER PASSWORD ADDRESS AMOUNT REFERENCE
[, $url, $user, $password, $address, $amount, $reference] = $argv;
ini_set('default_socket_timeout', '30');
$client = new SoapClient("$url/ParlayX/v2_1/AmountCharging?wsdl", ['login' => $user, 'password' => $password]);
try {
    // The amount is a string: as a float it would not stay exact. Repeating this after a time-out is safe: a
    // reference is charged once.
    $client->chargeAmount([
        'endUserIdentifier' => $address,
        'charge' => ['description' => 'a song', 'currency' => 'EUR', 'amount' => $amount],
        'referenceCode' => $reference,
    ]);
    echo "charged\n";
} catch (SoapFault $fault) {
    $exception = $fault->detail->ServiceException ?? $fault->detail->PolicyException ?? null;
    fwrite(STDERR, 'not charged: ' . ($exception->messageId ?? '') . ": {$fault->faultstring}\n");
    exit(1);
}
