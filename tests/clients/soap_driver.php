<?php
// PHP's SoapClient for soap_drivers.py: each line of JSON on the input is a call, each on the output its answer.
//
//     php soap_driver.php URL USER PASSWORD
[, $url, $user, $password] = $argv;
$clients = [];

/** A lone `result` is the answer itself. */
function result_of($answer) {
    $parts = get_object_vars($answer);
    return $parts ? ($parts['result'] ?? $parts) : null;
}

while (($line = fgets(STDIN)) !== false) {
    $call = json_decode($line, true);
    $wsdl = "$url/ParlayX/{$call['version']}/{$call['interface']}?wsdl";
    $clients[$wsdl] ??= new SoapClient($wsdl, ['cache_wsdl' => WSDL_CACHE_NONE, 'login' => $user, 'password' => $password]);
    try {
        $answer = ['result' => result_of($clients[$wsdl]->{$call['operation']}($call['children']))];
    } catch (SoapFault $fault) {
        $exception = $fault->detail->ServiceException ?? $fault->detail->PolicyException ?? null;
        $answer = ['fault' => $fault->faultstring, 'id' => $exception->messageId ?? null];
    }
    echo json_encode($answer), "\n";
    flush();
}
