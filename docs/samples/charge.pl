#!/usr/bin/perl
# Charges an account with SOAP::Lite (Debian: libsoap-lite-perl).
#
#     charge.pl URL USER PASSWORD ADDRESS AMOUNT REFERENCE
use strict;
use warnings;
use SOAP::Lite;

my ($url, $user, $password, $address, $amount, $reference) = @ARGV;
my $namespace = 'http://www.csapi.org/schema/parlayx/payment/amount_charging/v2_1/local';

sub SOAP::Transport::HTTP::Client::get_basic_credentials { return ($user, $password) }

# A text element, without the xsi:type that SOAP::Lite would guess: it would send amounts as floats.
sub text { my ($name, $value, @attributes) = @_; SOAP::Data->name($name => $value)->type('')->attr({@attributes}) }

my $client = SOAP::Lite->proxy("$url/ParlayX/v2_1/AmountCharging", timeout => 30)->on_action(sub { '""' });
# Children of the operation carry its namespace, members of `charge` none.
my @charge = map { text(@$_, xmlns => '') } ([description => 'a song'], [currency => 'EUR'], [amount => $amount]);
my $answer = $client->call(
    SOAP::Data->name('chargeAmount')->attr({ xmlns => $namespace }),
    text(endUserIdentifier => $address),
    SOAP::Data->name(charge => \SOAP::Data->value(@charge)),
    text(referenceCode => $reference));
if ($answer->fault) {
    print STDERR 'not charged: ', $answer->faultstring, "\n";
    exit 1;
}
print "charged\n";
