<?php
// PHP's SoapClient, made from a published WSDL: a request of stdin, a JSON line, is a call; so is its answer.
// php php.php USER PASSWORD
$options = ['cache_wsdl' => WSDL_CACHE_NONE, 'login' => $argv[1], 'password' => $argv[2], 'keep_alive' => true];
$clients = [];
while (($line = fgets(STDIN)) !== false) {
    $call = json_decode($line, true);
    try {
        $clients[$call['wsdl']] ??= new SoapClient($call['wsdl'], $options);
        $answer = $clients[$call['wsdl']]->__soapCall($call['operation'], [$call['arguments']]);
        $reply = ['result' => $answer->result ?? null];
    } catch (SoapFault $fault) {
        $reply = ['fault' => $fault->faultstring, 'code' => $fault->faultcode, 'detail' => $fault->detail ?? null];
    }
    echo json_encode($reply), "\n";
}
