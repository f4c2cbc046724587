# SOAP::Lite, with the namespace and address that it finds in a published WSDL: a request of stdin, a JSON line, is a
# call; so is its answer. Its generated methods know RPC style only, so that the elements are built here, as its
# users do.
# perl perl.pl USER PASSWORD
use strict;
use warnings;
use JSON::PP;
use SOAP::Lite;

my ($user, $password) = @ARGV;
sub SOAP::Transport::HTTP::Client::get_basic_credentials { return ($user, $password) }

my $json = JSON::PP->new->canonical->utf8;
$| = 1;

# What a value is called and holds, as SOAP::Lite wants it.
sub data {
    my ($name, $value) = @_;
    return map { data($name, $_) } @$value if ref $value eq 'ARRAY';
    return SOAP::Data->name($name => \SOAP::Data->value(map { data($_, $value->{$_}) } sort keys %$value))
        if ref $value eq 'HASH';
    $value = $value ? 'true' : 'false' if JSON::PP::is_bool($value);
    return SOAP::Data->name($name => $value)->type('');
}

my %services;
while (my $line = <STDIN>) {
    my $call = $json->decode($line);
    my $reply = eval {
        my $service = $services{$call->{wsdl}} //= service($call->{wsdl});
        die "no $call->{operation} in the WSDL\n" unless $service->{stub}->can($call->{operation});
        my $client = SOAP::Lite->proxy($service->{address})->ns($service->{namespace}, 'p')->on_fault(sub { $_[1] });
        my $answer = $client->call($call->{operation}, map { data($_, $call->{arguments}{$_}) }
            sort keys %{$call->{arguments}});
        !ref $answer ? {error => $client->transport->status}
            : $answer->fault ? {fault => $answer->faultstring, code => $answer->faultcode, detail => $answer->faultdetail}
            : {result => scalar $answer->result};
    } // {error => "$@"};
    print $json->encode($reply), "\n";
}

# The stub that SOAP::Lite generates, and what it read.
sub service {
    my ($wsdl) = @_;
    local $SIG{__WARN__} = sub { };    # every version of a service makes the same names
    my $stub = SOAP::Lite->service($wsdl);
    my $text = SOAP::Schema->new->schema_url($wsdl)->access;
    my ($address) = $text =~ /address\s+location="([^"]+)"/ or die "no address in $wsdl\n";
    my ($namespace) = $text =~ /"(http:[^"]+\/local)"/ or die "no local namespace in $wsdl\n";
    return {stub => $stub, address => $address, namespace => $namespace};
}
