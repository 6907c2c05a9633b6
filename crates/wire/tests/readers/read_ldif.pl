# Reads an LDIF file from each line of its input, in hex; prints its entries as JSON: names and values, in hex.
use strict;
use warnings;
use JSON::PP;
use Net::LDAP;
use Net::LDAP::LDIF;

sub pairs {
    my ($entry) = @_;
    my @pairs = (['dn', unpack('H*', $entry->dn)]);
    for my $name ($entry->attributes) {
        push @pairs, map { [$name, unpack('H*', $_)] } $entry->get_value($name);
    }
    return \@pairs;
}

sub entries {
    my ($file) = @_;
    open(my $input, '<', \$file) or die $!;
    my $ldif = Net::LDAP::LDIF->new($input, 'r', onerror => 'die');
    my @entries;
    until ($ldif->eof) {
        my $entry = $ldif->read_entry;
        push @entries, pairs($entry) if defined $entry;
    }
    return \@entries;
}

$| = 1;
print "Net::LDAP::LDIF $Net::LDAP::VERSION\n";
while (my $request = <STDIN>) {
    chomp $request;
    my (undef, $file) = split / /, $request;
    my $answer = eval { entries(pack('H*', $file)) };
    $answer = { error => "$@" } unless defined $answer;
    print encode_json($answer), "\n";
}
